"""What is answered while the database can't be used, whatever kind of trouble it has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.store import VersionStore
from service.web.app import create_app
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import FlaskClient, working

TROUBLES = (
    sa.exc.OperationalError("SELECT", {}, Exception("host db.example is away")),
    sa.exc.InternalError("UPDATE", {}, Exception("a standby is read-only")),
    sa.exc.InterfaceError("SELECT", {}, Exception("connection already closed")),
    sa.exc.ProgrammingError("SELECT", {}, Exception("no such table")),
    sa.exc.TimeoutError("QueuePool limit reached"),
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, {"m": FakeVersion()}) as process:
        yield process


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: type(error).__name__)
def test_each_kind_of_trouble_is_told_alike(
    process: WebProcess, trouble: sa.exc.SQLAlchemyError
) -> None:
    app = create_app(process)

    @app.get("/trouble")
    def meet() -> str:
        raise trouble

    answer = app.test_client().get("/trouble")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "database can't be used at the moment" in answer.text
    assert "example" not in answer.text


def test_tables_that_are_missing_are_no_fault_of_the_program(process: WebProcess) -> None:
    engine = open_database(process.settings.database)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE audit"))
    engine.dispose()
    client = FlaskClient(process)
    assert client.ask("GET", "/v1/audit").status == 503
    assert client.predict("m", {"instances": [[1, 2, 3]]}).status == 200


def test_a_change_that_was_made_is_answered_though_the_database_went_away_then(
    process: WebProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = VersionStore.change

    def change_and_lose(store: VersionStore, *given: object) -> object:
        route = change(store, *given)  # type: ignore[arg-type]
        monkeypatch.setattr(VersionStore, "used", _away)
        return route

    monkeypatch.setattr(VersionStore, "change", change_and_lose)
    answer = FlaskClient(process).ask("POST", "/v1/models/m:release")
    assert (answer.status, answer.json["model"], answer.json["revision"]) == (200, "m", 1)


def _away(_: VersionStore) -> object:
    raise TROUBLES[0]
