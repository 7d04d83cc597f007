"""A disk that is full, or can't be written to, is waited for: the version isn't to blame."""

import pytest

from service.base.child import Outcome
from service.controller.tracked import MAX_BACKOFF_S, Tracked
from service.repository.states import State
from tests.controller.world import World


def test_a_child_that_meets_a_full_disk_is_started_again_for_as_long_as_it_takes(
    world: World,
) -> None:
    world.add("m", 1, "a")
    for attempt in range(5):
        world.step_until(("m", 1), State.COMPILING)
        child = world.controller._tracked["m", 1].child
        assert child is not None
        (child.folder / "result.part").symlink_to("/dev/full")
        child._process.wait()
        row = world.step(0.1)["m", 1]
        assert row.state is State.DISCOVERED
        assert row.reason == "the disk is full: there is no room to work in"
        assert world.step(0.5 * 2**attempt)["m", 1].state is State.DISCOVERED
        world.now += 2.0**attempt
    row = world.step_until(("m", 1), State.FAILED)
    assert "attempts" not in row.reason, "with room it is judged for what it is"


def test_what_cannot_be_published_is_compiled_again_later(world: World) -> None:
    world.add("m", 1, "a")
    world.step()
    tracked = world.controller._tracked["m", 1]
    assert tracked.child is not None
    tracked.child.kill()
    (tracked.child.folder / "compiled").mkdir()
    world.compiled.write_text("in the way")

    world.controller._finish(tracked, Outcome(True), world.now)

    assert tracked.state is State.DISCOVERED
    assert tracked.reason.startswith("the compiled file can't be written: [Errno 17]")
    assert tracked.retry_at == world.now + 1


def test_a_child_that_cannot_begin_holds_up_no_other_version(world: World) -> None:
    world.add("m", 1, "a")
    world.add_compiled("n", 1, "b")
    world.run_dir.mkdir(exist_ok=True)
    (world.run_dir / "children").write_text("in the way")
    rows = world.step()
    assert rows["n", 1].state is State.READY
    assert rows["m", 1].state is State.DISCOVERED
    assert rows["m", 1].reason.startswith("compiling can't begin: ")


def test_one_that_could_not_be_started_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("m", 1, "a")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    row = world.step()["m", 1]
    assert row.reason.startswith("compiling can't begin: ")
    assert list((world.run_dir / "children").iterdir()) == []


def test_it_is_tried_no_less_often_than_once_a_minute() -> None:
    tracked = Tracked("m", 1)
    waits = []
    for _ in range(3000):
        tracked.wait_for_room("full", 0.0)
        waits.append(tracked.retry_at)
    assert waits[:7] == [1, 2, 4, 8, 16, 32, MAX_BACKOFF_S]
    assert set(waits[7:]) == {MAX_BACKOFF_S}
