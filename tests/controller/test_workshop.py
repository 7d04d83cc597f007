"""Where nothing can be compiled, or run by TensorFlow: versions fail at once, saying what to do."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.compiled import read_compiled
from service.controller.workshop import NO_COMPILER, NOT_RUN_HERE, Workshop, has_tensorflow
from service.repository.states import State
from tests.controller.world import LIMITS, World

WITHOUT = replace(LIMITS, tensorflow=False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.controller.close()
    world.controller = world.new_controller(WITHOUT)
    yield world
    world.controller.close()


def test_what_is_compiled_is_ready_and_what_is_not_fails_without_a_try(world: World) -> None:
    world.add_compiled("there", 1, "a")
    world.add("late", 1, "b")

    rows = world.step()

    assert rows["there", 1].state is State.READY
    assert (rows["late", 1].state, rows["late", 1].reason) == (State.FAILED, NO_COMPILER)
    assert not (world.run_dir / "children").exists()


def test_it_is_ready_once_somebody_has_compiled_it(world: World) -> None:
    world.add("m", 1, "a")
    assert world.step()["m", 1].state is State.FAILED

    world.add_compiled("m", 1, "a")
    world.step()

    assert world.step()["m", 1].state is State.READY


def test_what_only_tensorflow_runs_fails_and_no_process_is_begun(world: World) -> None:
    world.add_compiled("m", 1, "a")
    folder = next(world.compiled.iterdir())
    replace(read_compiled(folder), runtime="tensorflow").write(folder)

    row = world.step()["m", 1]

    assert (row.state, row.reason) == (State.FAILED, NOT_RUN_HERE)
    assert not (world.run_dir / "tensorflow").exists()


def test_what_a_predecessor_with_tensorflow_served_is_not_taken_over(world: World) -> None:
    world.add_compiled("m", 1, "a")
    world.step()
    folder = next(world.compiled.iterdir())
    replace(read_compiled(folder), runtime="tensorflow").write(folder)
    world.controller.close()

    world.controller = world.new_controller(WITHOUT)
    world.controller.start()

    assert world.step()["m", 1].state is State.FAILED


def test_a_corrupt_version_is_said_to_be_missing_once(world: World) -> None:
    world.add_compiled("m", 1, "a")
    (next(world.compiled.iterdir()) / "model.onnx").write_bytes(b"other")

    reasons = {world.step()["m", 1].reason for _ in range(3)}

    assert reasons == {NO_COMPILER}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert Workshop(tmp_path / "to" / "be" / "made").why_not_compile() == ""
    why = Workshop(Path("/proc/1/compiled")).why_not_compile()
    assert "their folder /proc/1/compiled can't be written" in why


def test_a_version_whose_compiled_file_is_gone_is_served_on_where_it_is_loaded(
    world: World,
) -> None:
    world.add_compiled("m", 1, "a")
    world.step()
    shutil.rmtree(world.compiled)
    world.step()

    row = world.step()["m", 1]

    assert row.state is State.READY
    assert NO_COMPILER in row.reason


def test_tensorflow_is_looked_for_without_importing_it() -> None:
    assert has_tensorflow()
