"""The reconcile loop, stepped by hand with a clock of its own; its children are real processes."""

import os
import shutil
import signal
from dataclasses import replace

from service.base.compiled import digest_file, read_compiled
from service.base.signature import TensorSpec
from service.repository.manifest import write_manifest
from service.repository.states import COMING, State
from tests.controller.world import LIMITS, LONG_AGO, World


def test_a_cached_version_is_ready_at_the_first_look(world: World) -> None:
    world.add_compiled("m", 1, "a")
    row = world.step()["m", 1]
    assert (row.state, row.served) == (State.READY, True)
    assert (world.compiled / row.artefact / "model.onnx").is_file()


def test_the_highest_ready_version_is_served(world: World) -> None:
    world.add_compiled("m", 1, "a")
    world.add_compiled("m", 3, "c")
    world.add("m", 7, "not compiled yet", settled=False)
    rows = world.step()
    assert [rows["m", v].served for v in (1, 3, 7)] == [False, True, False]
    shutil.rmtree(world.repository / "m" / "3")
    rows = world.step()
    assert rows["m", 3].state is State.RETIRED
    assert rows["m", 1].served


def test_a_growing_file_is_left_alone_until_it_has_settled(world: World) -> None:
    world.add("m", 1, "half", settled=False)
    assert world.step(1.0)["m", 1].state is State.DISCOVERED
    world.add("m", 1, "more than half", settled=False)
    assert world.step(1.5)["m", 1].state is State.DISCOVERED
    assert world.step(1.5)["m", 1].state is State.DISCOVERED
    assert world.step(1.0)["m", 1].state is State.COMPILING


def test_a_broken_file_fails_and_a_mended_one_is_served(world: World) -> None:
    path = world.add("m", 1, "a")
    path.write_bytes(path.read_bytes()[:600])
    os.utime(path, (LONG_AGO - 50, LONG_AGO - 50))
    assert world.step()["m", 1].state is State.COMPILING
    row = world.step_until(("m", 1), State.FAILED)
    assert "damaged or incomplete" in row.reason
    world.add_compiled("m", 1, "mended")
    assert world.step()["m", 1].state is State.READY


def test_a_version_changed_in_place_serves_its_old_form_until_the_new_one_is_ready(
    world: World,
) -> None:
    world.add_compiled("m", 1, "a")
    old = world.step()["m", 1].artefact
    world.add("m", 1, "no model")
    for _ in range(2):
        row = world.step()["m", 1]
        assert (row.state, row.served, row.artefact) == (State.READY, True, old)
        assert row.files_state in COMING
        assert "an earlier form of them is served" in row.reason
    row = world.step_until_files(("m", 1), State.FAILED)
    assert (row.served, row.artefact) == (True, old)
    assert "neither a Keras model" in row.reason
    world.add_compiled("m", 1, "better")
    row = world.step()["m", 1]
    assert (row.served, row.reason, row.files_state) == (True, "", None)
    assert row.artefact != old


def test_one_failure_stops_no_other(world: World) -> None:
    world.add("bad", 1, "no model")
    world.add_compiled("good", 1, "b")
    rows = world.step()
    assert rows["good", 1].served
    assert (
        "neither a Keras model nor Keras weights"
        in world.step_until(("bad", 1), State.FAILED).reason
    )


def test_a_broken_model_yaml_is_told_and_mended(world: World) -> None:
    world.add_compiled("m", 1, "a")
    config = world.repository / "m" / "model.yaml"
    config.write_text("colours: [a]")
    row = world.step()["m", 1]
    assert row.state is State.FAILED
    assert "colours" in row.reason
    config.write_text("labels: [a, b]")
    row = world.step()["m", 1]
    assert (row.state, row.reason) == (
        State.FAILED,
        "model.yaml: 2 labels, but the model tells 3 classes",
    )
    config.write_text("labels: [a, b, c]")
    row = world.step()["m", 1]
    assert (row.state, row.config.labels) == (State.READY, ("a", "b", "c"))
    for broken in ("[", "labels: [a, b]"):
        config.write_text(broken)
        row = world.step()["m", 1]
        assert (row.state, row.config.labels) == (State.READY, ("a", "b", "c"))
        assert "model.yaml" in row.reason


def test_files_and_model_yaml_that_change_together_are_taken_together(world: World) -> None:
    """The one doesn't fit the other's predecessor, and at no moment is the version gone."""
    world.add_compiled("m", 1, "a")
    config = world.repository / "m" / "model.yaml"
    config.write_text("labels: [a, b, c]")
    world.step()
    folder = world.add_compiled("m", 1, "b")
    two = (TensorSpec("y", "float32", (None, 2)),)
    compiled = read_compiled(folder)
    replace(compiled, signature=replace(compiled.signature, outputs=two)).write(folder)
    config.write_text("labels: [a, b]")
    row = world.step()["m", 1]
    assert (row.state, row.artefact) == (State.READY, folder.name)
    assert (row.config.labels, row.reason) == (("a", "b"), "")


def test_a_lost_compiled_folder_is_made_anew(world: World) -> None:
    """Where it is loaded it goes on answering."""
    folder = world.add_compiled("m", 1, "a")
    before = world.step()["m", 1]
    shutil.rmtree(folder)
    for state in ("DISCOVERED", "COMPILING"):
        row = world.step()["m", 1]
        assert (row.served, row.artefact) == (True, before.artefact)
        assert f"its files are {state}" in row.reason


def test_a_new_controller_takes_over_what_is_served(world: World) -> None:
    world.add_compiled("m", 1, "a")
    config = world.repository / "m" / "model.yaml"
    config.write_text("labels: [a, b, c]")
    before = world.step()["m", 1]
    world.add("m", 1, "an upload has begun", settled=False)
    config.write_text("[")
    world.controller = world.new_controller(LIMITS)
    world.controller.start()
    row = world.step()["m", 1]
    assert (row.state, row.served, row.artefact) == (State.READY, True, before.artefact)
    assert row.config.labels == ("a", "b", "c")
    shutil.rmtree(world.repository / "m" / "1")
    world.controller = world.new_controller(LIMITS)
    world.controller.start()
    assert world.step()["m", 1].state is State.RETIRED


def test_a_removed_database_is_filled_again(world: World) -> None:
    world.add_compiled("m", 1, "a")
    before = world.step()
    world.store.replace([])
    assert world.step() == {}, "the store was scanned, so nothing is amiss"
    world.forget()
    assert world.step() == before


def test_a_corrupt_compiled_file_is_not_trusted_at_start(world: World) -> None:
    folder = world.add_compiled("m", 1, "a")
    (folder / "model.onnx").write_bytes(b"oops")
    assert world.step()["m", 1].state is State.COMPILING


def test_a_repository_out_of_reach_changes_nothing(world: World) -> None:
    world.add_compiled("m", 1, "a")
    before = world.step()
    world.repository.rename(world.repository.with_name("away"))
    assert world.step() == before
    world.repository.with_name("away").rename(world.repository)
    assert world.step() == before


def test_a_killed_child_is_started_again_later_and_later_and_at_last_given_up(
    world: World,
) -> None:
    world.add("m", 1, "a")
    for attempt in range(4):
        world.step_until(("m", 1), State.COMPILING)
        child = world.controller._tracked["m", 1].child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        child._process.wait()
        row = world.step(0.1)["m", 1]
        if attempt < 3:
            assert row.state is State.DISCOVERED
            assert world.step(0.5 * 2**attempt)["m", 1].state is State.DISCOVERED
            world.now += 2.0**attempt
    assert row.state is State.FAILED
    assert row.reason == "the compiling process was killed by SIGKILL (4 attempts)"


def test_a_child_over_its_time_is_killed(world: World) -> None:
    world.controller = world.new_controller(replace(LIMITS, timeout_s=5.0))
    world.add("m", 1, "a")
    world.step()
    child = world.controller._tracked["m", 1].child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    row = world.step(5.0)["m", 1]
    assert (row.state, row.reason) == (State.FAILED, "not finished after 5 seconds; it was killed")
    assert child._process.poll() == -signal.SIGKILL
    assert not child.folder.exists()


def test_what_a_killed_controller_left_is_cleared_away(world: World) -> None:
    left = world.run_dir / "children" / "child-left"
    left.mkdir(parents=True)
    world.controller.start()
    assert not left.exists()


def test_a_file_that_is_not_what_was_published_is_refused_by_its_digest(world: World) -> None:
    path = world.add_compiled("m", 1, "a") and world.repository / "m" / "1" / "model.h5"
    write_manifest(path.parent, {"model.h5": digest_file(path)})
    assert world.step()["m", 1].state is State.READY

    with path.open("r+b") as file:  # one bit of a weight, which no .h5 reader would notice
        file.seek(600)
        byte = file.read(1)
        file.seek(600)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, (LONG_AGO - 50, LONG_AGO - 50))
    world.step()
    row = world.step(5)["m", 1]

    assert row.reason.startswith("its files are FAILED") or row.state is State.FAILED
    assert "isn't the one that was recorded when it was published" in row.reason


def test_other_options_open_the_same_files_anew(world: World) -> None:
    world.add_compiled("m", 1, "a")
    assert world.step()["m", 1].state is State.READY

    (world.repository / "m" / "model.yaml").write_text("weights: order\n")
    world.step()
    row = world.step()["m", 1]

    assert row.state is State.READY  # its predecessor goes on
    assert "earlier form" in row.reason


def test_model_yaml_chooses_among_the_modules_of_the_setting_only(world: World) -> None:
    world.add("m", 1, "a")
    (world.repository / "m" / "model.yaml").write_text("custom_objects: [os]\n")

    row = world.step()["m", 1]

    assert row.state is State.FAILED
    assert "custom_objects names os; the setting custom_objects doesn't" in row.reason


def test_a_route_is_answered_by_a_look_that_has_read_it(world: World) -> None:
    world.store.change("m", lambda route: replace(route, is_unloaded=True))
    world.add_compiled("m", 1, "a")

    row = world.step()["m", 1]

    assert world.store.route("m").looked == 1
    assert (row.state, row.reason, row.served) == (State.READY, "unloaded", False)


def test_tensorflow_is_not_kept_for_what_is_unloaded(world: World) -> None:
    folder = world.add_compiled("m", 1, "a")
    replace(read_compiled(folder), runtime="tensorflow").write(folder)
    world.store.change("m", lambda route: replace(route, is_unloaded=True))
    world.step()
    assert world.controller._runtime._process is None

    world.store.change("m", lambda route: replace(route, is_unloaded=False))
    world.step()

    assert world.controller._runtime._process is not None
