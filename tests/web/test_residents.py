"""Models that don't all have room: cold ones are loaded when they are asked for, others go."""

from pathlib import Path

import pytest

from service.base.errors import ModelNotReady
from service.repository.states import Loading, VersionRow
from service.web import budget, residents
from service.web.budget import Budget
from tests.web.client import counted
from tests.web.worlds import TWO, World, ready

MODELS = ("a", "b", "c")
SIZES = {"a": 40, "b": 40, "c": 40, "big": 300}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No version stays for its age's or its last use's sake."""
    monkeypatch.setattr(budget, "STAY_S", 0.0)
    monkeypatch.setattr(residents, "IDLE_S", 0.0)


def world_of(folder: Path, *models: str, is_waited_for: bool = True, limit: int = 100) -> World:
    world = World(folder, budget=Budget(limit, is_waited_for), sizes=SIZES)
    world.say(*[ready(1, model=model) for model in models])
    return world


def told(world: World) -> dict[str, Loading]:
    (record,) = world.store.workers()
    return {held.model: held.loading for held in record.held}


def test_as_many_as_fit_are_loaded_and_the_others_are_cold(tmp_path: Path) -> None:
    world = world_of(tmp_path, *MODELS)
    assert world.in_memory() == [("a", 1), ("b", 1)]
    assert told(world) == {"a": Loading.LOADED, "b": Loading.LOADED, "c": Loading.COLD}
    assert world.reloader.readiness.is_ready
    assert counted("kerasd_models_loaded_bytes") == 80
    assert counted("kerasd_model_memory_budget_bytes") == 100


def test_those_that_were_used_last_come_first(tmp_path: Path) -> None:
    world = World(tmp_path, budget=Budget(100), sizes=SIZES)
    world.store.note_used({("c", 1): 2.0, ("b", 1): 1.0})
    world.say(*[ready(1, model=model) for model in MODELS])
    assert world.loaded == [("c", 1), ("b", 1)]


def test_a_request_has_a_cold_model_loaded_and_the_least_recently_used_one_goes(
    tmp_path: Path,
) -> None:
    world = world_of(tmp_path, *MODELS)
    evicted = counted("kerasd_model_evictions_total", model="b")
    world.answers("b")
    world.answers("a")
    absent = world.pool.absence("c")
    assert absent is not None
    assert absent.is_coming
    assert not world.pool.has("c")
    world.reloader.step(1.0)
    assert world.in_memory() == [("a", 1), ("c", 1)]
    assert world.loads[1].is_closed
    assert counted("kerasd_model_evictions_total", model="b") == evicted + 1
    assert told(world)["b"] is Loading.COLD
    assert world.answers("c") == 1
    world.reloader.step(2.0)
    assert world.in_memory() == [("a", 1), ("c", 1)], "and nothing comes back by itself"


def test_where_cold_models_are_refused_they_are_until_they_are_there(tmp_path: Path) -> None:
    world = world_of(tmp_path, *MODELS, is_waited_for=False)
    for _ in range(2):
        with pytest.raises(ModelNotReady, match="being loaded now; ask again") as caught:
            world.answers("c")
        assert caught.value.retry_after_s == 1
        absent = world.pool.absence("c")
        assert absent is not None
        assert not absent.is_coming
    world.reloader.step(1.0)
    assert world.answers("c") == 1


def test_what_is_in_use_stays_and_who_asks_waits(tmp_path: Path) -> None:
    world = world_of(tmp_path, *MODELS)
    assert not world.pool.has("c")
    with world.pool.lease("a"), world.pool.lease("b"):
        world.reloader.step(1.0)
        assert world.in_memory() == [("a", 1), ("b", 1)]
        assert world.reloader._pause_s == residents.ROOM_S
    world.reloader.step(2.0)
    assert ("c", 1) in world.in_memory()


def test_many_that_are_asked_for_at_once_come_in_the_order_of_asking(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(10)]
    world = World(tmp_path, budget=Budget(100), sizes=dict.fromkeys(names, 50))
    world.say(*[ready(1, model=name) for name in names])
    asked = ["m7", "m3", "m9", "m5"]
    for name in asked * 2:
        assert not world.pool.has(name)
    world.reloader.step(1.0)
    assert [name for name, _ in world.loaded[2:]] == asked
    assert len(world.in_memory()) == 2


def test_one_that_has_just_come_is_there_for_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "STAY_S", 1000.0)
    world = world_of(tmp_path, *MODELS)
    assert not world.pool.has("c")
    world.reloader.step(1.0)
    assert world.in_memory() == [("a", 1), ("b", 1)]


def test_one_that_is_larger_than_the_budget_is_alone(tmp_path: Path) -> None:
    world = world_of(tmp_path, *MODELS, "big")
    assert not world.pool.has("big")
    world.reloader.step(1.0)
    assert world.in_memory() == [("big", 1)]
    assert not world.pool.has("a")
    world.reloader.step(2.0)
    assert world.in_memory() == [("a", 1)]


def test_files_tell_too_little_and_what_is_larger_than_they_told_makes_room(
    tmp_path: Path,
) -> None:
    world = world_of(tmp_path, *MODELS)
    grown = iter([0, 90])
    world.reloader._residents._loader._measure = lambda: next(grown)
    assert not world.pool.has("c")
    world.reloader.step(1.0)
    assert world.in_memory() == [("c", 1)]
    (slot,) = world.pool.slots()
    assert slot.size_bytes == 90


def test_a_version_that_a_promotion_waits_for_is_loaded_beside_the_current_one(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, budget=Budget(100), sizes={"m": 60, "a": 40})
    world.route(current=1)
    world.say(ready(1), ready(2), ready(1, model="a"))
    assert world.in_memory() == [("a", 1), ("m", 1)]
    world.route(preparing=((2, "w"),))
    world.reloader.step(1.0)
    assert world.in_memory() == [("m", 1), ("m", 2)], "even above the budget"
    assert world.answers("m") == 1
    world.route(current=2, preparing=())
    world.reloader.step(2.0)
    assert world.in_memory() == [("m", 2)]


def test_a_cold_version_is_loaded_for_a_promotion(tmp_path: Path) -> None:
    rows: list[VersionRow] = [ready(version, config=TWO) for version in (1, 2)]
    world = World(tmp_path, budget=Budget(50), sizes={"m": 40})
    world.route(current=1)
    world.say(*rows)
    assert world.in_memory() == [("m", 1)]
    world.route(preparing=((2, "w"),))
    world.reloader.step(1.0)
    assert world.in_memory() == [("m", 1), ("m", 2)]


def test_a_cold_version_that_cannot_be_loaded_says_so_and_is_tried_again(tmp_path: Path) -> None:
    world = world_of(tmp_path, *MODELS)
    world.error = RuntimeError("can't")
    assert not world.pool.has("c")
    world.reloader.step(1.0)
    with pytest.raises(ModelNotReady, match="can't be loaded: RuntimeError"):
        world.answers("c")
    assert told(world)["c"] is Loading.FAILED
    world.error = None
    world.reloader.step(2.5)
    assert world.answers("c") == 1


def test_a_long_look_is_cut_into_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was loaded is told, and changes are followed, before the rest is loaded."""
    monkeypatch.setattr(residents, "SLICE_S", -1.0)
    world = World(tmp_path)
    world.say(ready(1))
    assert world.in_memory() == []
    assert world.reloader._pause_s == 0.0
    monkeypatch.setattr(residents, "SLICE_S", 60.0)
    world.reloader.step(1.0)
    assert world.in_memory() == [("m", 1)]
