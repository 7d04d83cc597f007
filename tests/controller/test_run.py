"""The controller's loop lives on whatever its database does, and makes missing tables again."""

import threading

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.controller.heart import Heart
from service.controller.run import _loop
from service.repository.store_heartbeats import HeartbeatStore
from tests.controller.world import World

TROUBLES = (
    sa.exc.OperationalError("SELECT", {}, Exception("away")),
    sa.exc.InternalError("UPDATE", {}, Exception("a standby is read-only")),
    sa.exc.InterfaceError("SELECT", {}, Exception("connection already closed")),
    sa.exc.ProgrammingError("SELECT", {}, Exception("no such table")),
    sa.exc.TimeoutError("QueuePool limit reached"),
)


def heart(world: World) -> Heart:
    engine = open_database(f"sqlite:///{world.folder}/db.sqlite")
    return Heart(HeartbeatStore(engine, "repository"), world.run_dir, None)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("is_mended", [True, False], ids=["mended", "not yet"])
def test_trouble_with_the_database_is_mended_at_the_next_step(
    world: World, trouble: sa.exc.SQLAlchemyError, is_mended: bool
) -> None:
    stop, steps, mended = threading.Event(), [], []

    def step(now: float) -> None:
        steps.append(now)
        if len(steps) == 1:
            raise trouble
        stop.set()

    def mend() -> None:
        mended.append(True)
        if not is_mended:
            raise trouble

    _loop([step], stop, 0.0, mend, heart(world))

    assert (len(steps), mended) == (2, [True])


def test_tables_that_are_missing_are_made_again(world: World) -> None:
    stop = threading.Event()
    world.add_compiled("m", 1, "a")
    world.step()
    for path in world.folder.glob("db.sqlite*"):
        path.unlink()
    engine = open_database(f"sqlite:///{world.folder}/db.sqlite")

    def mend() -> None:
        migrate(engine)
        stop.set()

    _loop([world.controller.step], stop, 0.0, mend, heart(world))
    world.controller.step(1000.0)

    assert [row.version for row in world.store.rows()] == [1]
    engine.dispose()
