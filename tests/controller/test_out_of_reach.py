"""Repository or database out of reach: what is under way is looked after as ever."""

import os
import signal
from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.base.compiled import read_compiled
from service.base.signature import Signature, TensorSpec
from service.repository.states import State
from tests.controller.world import LIMITS, World


def add_for_tensorflow(world: World) -> None:
    folder = world.add_compiled("m", 1, "a")
    replace(read_compiled(folder), runtime="tensorflow").write(folder)


def hide(world: World) -> None:
    world.repository.rename(world.repository.with_name("away"))


def show(world: World) -> None:
    world.repository.with_name("away").rename(world.repository)


def kill_tensorflow(world: World) -> int:
    process = world.controller._runtime._process
    assert process is not None
    process.kill()
    process.wait()
    return process.pid


def is_there_again(world: World, killed: int) -> bool:
    process = world.controller._runtime._process
    return process is not None and process.pid != killed


def test_tensorflow_that_died_is_started_again_without_the_repository(world: World) -> None:
    add_for_tensorflow(world)
    world.step()
    hide(world)
    killed = kill_tensorflow(world)

    world.step()

    assert is_there_again(world, killed)


def test_it_is_started_again_without_the_database(world: World) -> None:
    add_for_tensorflow(world)
    world.step()
    with world.store._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE routes"))
    killed = kill_tensorflow(world)

    with pytest.raises(sa.exc.SQLAlchemyError):
        world.step()

    assert is_there_again(world, killed)


def test_a_controller_that_starts_without_the_repository_starts_it(world: World) -> None:
    add_for_tensorflow(world)
    before = world.step()
    world.controller.close()
    hide(world)
    world.controller = world.new_controller(LIMITS)
    world.controller.start()

    assert world.step() == before

    assert world.controller._runtime._process is not None


def test_a_child_over_its_time_is_killed_without_the_repository(world: World) -> None:
    world.controller = world.new_controller(replace(LIMITS, timeout_s=5.0))
    world.add("m", 1, "a")
    world.step()
    child = world.controller._tracked["m", 1].child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    hide(world)

    assert world.step(5.0)["m", 1].state is State.COMPILING  # as it was recorded

    assert child._process.poll() == -signal.SIGKILL
    show(world)
    row = world.step()["m", 1]
    assert (row.state, row.reason) == (State.FAILED, "not finished after 5 seconds; it was killed")


class TestConfigurations:
    """Whether what model.yaml names is known: only then may anything go that it doesn't name."""

    def test_nobody_knows_them_before_the_first_look_and_while_it_is_away(
        self, world: World
    ) -> None:
        world.add_compiled("m", 1, "a")
        assert world.controller.told_configs() is None
        world.step()
        assert world.controller.told_configs() == world.controller.configs()
        hide(world)
        world.step()
        assert world.controller.told_configs() is None
        show(world)
        world.step()
        assert world.controller.told_configs() == world.controller.configs()

    def test_the_newest_version_that_answers_tells_it_whichever_came_last(
        self, world: World
    ) -> None:
        folder = world.add_compiled("m", 2, "b")
        two = Signature(
            (TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, 2)),)
        )
        replace(read_compiled(folder), signature=two).write(folder)
        world.step()
        world.add_compiled("m", 1, "a")  # has three outputs
        world.step()
        (world.repository / "m" / "model.yaml").write_text("labels: [a, b]")
        world.step()

        told = world.controller.told_configs()

        assert told is not None
        assert told == world.controller.configs()
        assert world.controller.configs()["m"].labels == ("a", "b")

    @pytest.mark.parametrize("broken", ["[", "labels: [a, b]"])
    def test_one_that_is_not_followed_is_none(self, world: World, broken: str) -> None:
        world.add_compiled("m", 1, "a")
        world.add_compiled("n", 1, "b")
        world.step()
        (world.repository / "m" / "model.yaml").write_text(broken)
        world.step()

        told = world.controller.told_configs()

        assert told is not None
        assert [name for name, config in told.items() if config is None] == ["m"]
