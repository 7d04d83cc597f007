"""What the controller records is what the web workers read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.model_config import ModelConfig
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.store_tables import versions
from tests.databases import migrate

READY = VersionRow(
    model="digits",
    version=9_999_999_999,
    state=State.READY,
    artefact="a" * 64,
    config=ModelConfig(task="binary", labels=("no", "yes"), version_policy="all"),
)
CHANGED = VersionRow("digits", 3, State.READY, artefact="b" * 64, files_state=State.COMPILING)
FAILED = VersionRow("digits", 2, State.FAILED, reason="digits.h5: the weights don't fit – 'x'")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
    migrate(opened)
    yield opened
    opened.dispose()


def test_rows_read_as_they_were_written_in_order(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")

    store.replace([READY, FAILED, CHANGED, VersionRow("a", 1, State.DISCOVERED)])

    assert store.rows() == [VersionRow("a", 1, State.DISCOVERED), FAILED, CHANGED, READY]


def test_one_model_can_be_read_without_the_others(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.replace([READY, VersionRow("a", 1, State.DISCOVERED)])
    store.report(WorkerRecord("a:1:1", (HELD, LOST), {"text": 7}, 2.0))

    assert store.rows("digits") == [READY]
    assert store.workers("text") == [WorkerRecord("a:1:1", (LOST,), {"text": 7}, 2.0)]


def test_another_process_reads_the_same(engine: sa.Engine) -> None:
    VersionStore(engine, "/models").replace([READY])
    other = sa.create_engine(engine.url)

    assert VersionStore(other, "/models").rows() == [READY]
    other.dispose()


def test_what_is_no_longer_told_is_gone(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.replace([READY, FAILED])

    store.replace([FAILED])

    assert store.rows() == [FAILED]


def test_two_repositories_share_a_database_without_meeting(engine: sa.Engine) -> None:
    first, second = VersionStore(engine, "/first"), VersionStore(engine, "/second")
    first.replace([READY])
    second.replace([FAILED])

    first.replace([])

    assert first.rows() == []
    assert second.rows() == [FAILED]


def test_an_empty_repository_differs_from_one_never_looked_at(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    before = store.was_scanned()

    store.replace([])

    assert (before, store.was_scanned()) == (False, True)
    assert not VersionStore(engine, "/other").was_scanned()


def test_a_failed_write_leaves_the_last_truth(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.replace([READY])

    with pytest.raises(sa.exc.IntegrityError):
        store.replace([FAILED, FAILED])

    assert store.rows() == [READY]


HELD = Held("digits", 1, READY.identity, Loading.COLD)
LOST = Held("text", 2, "2 a b", Loading.RETRYING, "the TensorFlow runtime isn't there")


def test_a_scan_leaves_routes_and_workers(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.change("digits", lambda route: route)
    store.report(WorkerRecord("a:1:2"))

    store.replace([READY])

    assert "digits" in store.routes()
    assert store.workers() == [WorkerRecord("a:1:2")]


def test_a_worker_is_known_by_its_last_report(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.report(WorkerRecord("b:2:2", beat=1.0))
    store.report(WorkerRecord("a:1:1", (HELD,), {"digits": 1}, 2.0))

    store.report(WorkerRecord("b:2:2", (HELD, LOST), {"digits": 1, "text": 7}, 1_700_000_000.25))

    assert store.workers() == [
        WorkerRecord("a:1:1", (HELD,), {"digits": 1}, 2.0),
        WorkerRecord("b:2:2", (HELD, LOST), {"digits": 1, "text": 7}, 1_700_000_000.25),
    ]
    assert VersionStore(engine, "/other").workers() == []


def test_a_forgotten_worker_is_gone_alone(engine: sa.Engine) -> None:
    store, other = VersionStore(engine, "/models"), VersionStore(engine, "/other")
    for each in (store, other):
        each.report(WorkerRecord("a:1:1"))
    store.report(WorkerRecord("b:2:2"))

    store.forget("a:1:1")
    store.forget("never:0:0")

    assert [record.worker for record in store.workers()] == ["b:2:2"]
    assert [record.worker for record in other.workers()] == ["a:1:1"]


@pytest.mark.parametrize(
    "config", [{"description": "\ud800"}, {"word_of_a_later_release": 1}, {"max_rows": 10**20}]
)
def test_a_recorded_configuration_that_is_not_accepted_any_more_is_one_versions_matter(
    engine: sa.Engine, config: dict[str, object]
) -> None:
    store = VersionStore(engine, "/models")
    other = VersionRow("a", 1, State.READY, artefact="a" * 64)
    store.replace([other, READY])
    with engine.begin() as connection:
        change = sa.update(versions).where(versions.c.model == "digits").values(config=config)
        connection.execute(change)

    found, odd = store.rows()

    assert found == other
    assert (odd.model, odd.version, odd.state) == ("digits", READY.version, State.FAILED)
    assert odd.identity


def test_a_reason_that_quotes_half_a_character_is_recorded(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")

    store.replace([VersionRow("a", 1, State.FAILED, "no layer '\udc80\0'")])

    assert store.rows()[0].reason == r"no layer '\udc80\x00'"
