"""One row a process and repository, which every process on the database reads."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.remote.status import Status
from service.repository.store_heartbeats import CONTROLLER, Heartbeat, HeartbeatStore
from service.repository.store_tables import heartbeats
from tests.databases import migrate


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    opened = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(opened)
    return opened


def test_what_was_told_last_is_read(engine: sa.Engine) -> None:
    store = HeartbeatStore(engine, "repository")
    assert store.read(CONTROLLER) is None
    store.write(CONTROLLER, Heartbeat(1.5, 2.5))
    assert store.read(CONTROLLER) == Heartbeat(1.5, 2.5)
    mirrored = Heartbeat(1.5, 3.5, Status(True, "", 3.0, 4096, 1, 2, 7))
    store.write(CONTROLLER, mirrored)
    assert store.read(CONTROLLER) == mirrored
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(heartbeats)) == 1


def test_others_have_rows_of_their_own(engine: sa.Engine) -> None:
    HeartbeatStore(engine, "repository").write(CONTROLLER, Heartbeat(1.0, 2.0))
    assert HeartbeatStore(engine, "repository").read("other") is None
    assert HeartbeatStore(engine, "another").read(CONTROLLER) is None


@pytest.mark.parametrize("told", [{"other": 1}, [], "text"], ids=ascii)
def test_a_status_of_another_release_is_none(engine: sa.Engine, told: object) -> None:
    store = HeartbeatStore(engine, "repository")
    store.write(CONTROLLER, Heartbeat(1.0, 2.0, Status()))
    with engine.begin() as connection:
        connection.execute(sa.update(heartbeats).values(mirror=told))
    found = store.read(CONTROLLER)
    assert found is not None
    assert found.mirror in (None, Status())
