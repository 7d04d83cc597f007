"""One version that can't be loaded, whatever the reason, leaves all others as they are."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.states import Loading, State
from service.repository.store_tables import versions
from service.runtime.pool import Pool
from service.web.version_loader import VersionLoader
from tests.fakes import FakeVersion
from tests.web.worlds import World, ready


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_configuration_that_an_earlier_release_took_stops_no_other_model(
    tmp_path: Path, world: World
) -> None:
    """It has half a character in its description."""
    world.store.replace([ready(1, model="bad"), ready(1)])
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    with engine.begin() as connection:
        change = sa.update(versions).where(versions.c.model == "bad")
        connection.execute(change.values(config={"description": "\ud800"}))
    engine.dispose()

    world.reloader.step(10.0)

    assert world.answers() == 1
    assert world.reloader.readiness.is_ready
    assert {row.model: row.state for row in world.reloader.rows} == {
        "bad": State.FAILED,
        "m": State.READY,
    }


def test_whatever_goes_wrong_with_one_version_is_kept_as_its_failure() -> None:
    pool: Pool[FakeVersion] = Pool()
    sizes = iter([0])
    loader = VersionLoader(pool, lambda _: FakeVersion(), measure=lambda: next(sizes))
    row = replace(ready(1), served=True)

    assert not loader.load(row, 0.0)

    assert [held.loading for held in loader.held()] == [Loading.FAILED]
    assert pool.slots() == []
