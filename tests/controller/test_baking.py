"""Baking: each version ends as compiled, found or failed; only the compiled folder is written."""

import time
from contextlib import closing
from dataclasses import replace

import pytest

from service.controller.baking import SCRATCH, Baked, BakeOutcome, Baking
from service.controller.workshop import NO_COMPILER
from tests.controller.world import LIMITS, World


def bake(world: World, tensorflow: bool = True) -> dict[tuple[str, int], Baked]:
    """Bake everything; what became of each version."""
    baked: dict[tuple[str, int], Baked] = {}
    limits = replace(LIMITS, tensorflow=tensorflow)
    with closing(Baking(world.repository, world.compiled, limits)) as baking:
        while not baking.is_done:
            baked |= {(one.model, one.version): one for one in baking.step(time.monotonic())}
            time.sleep(0.02)
    return baked


def test_what_is_there_and_whole_is_found(world: World) -> None:
    folder = world.add_compiled("m", 3, "a")
    before = sorted(world.compiled.rglob("*"))

    (one,) = bake(world).values()

    assert (one.model, one.version, one.outcome) == ("m", 3, BakeOutcome.FOUND)
    assert one.compiled is not None
    assert one.compiled.key == folder.name
    assert sorted(world.compiled.rglob("*")) == before


def test_each_failure_has_its_reason_and_holds_up_no_other(world: World) -> None:
    world.add_compiled("good", 1, "a")
    world.add("strange", 1, "no model")
    world.add_compiled("misfit", 1, "b")
    (world.repository / "misfit" / "model.yaml").write_text("labels: [one, two]\n")
    world.add_compiled("broken", 1, "c")
    (world.repository / "broken" / "model.yaml").write_text("labels: 7\n")
    (world.repository / "empty" / "1").mkdir(parents=True)

    baked = bake(world)

    reasons = {model: one.reason for (model, _), one in baked.items()}
    assert reasons["good"] == ""
    assert "neither a Keras model" in reasons["strange"]
    assert "2 labels, but the model tells 3 classes" in reasons["misfit"]
    assert "labels" in reasons["broken"]
    assert "holds no regular model file" in reasons["empty"]


def test_what_is_corrupt_is_compiled_anew_or_fails(world: World) -> None:
    folder = world.add_compiled("m", 1, "no model")
    (folder / "model.onnx").write_bytes(b"other")

    (one,) = bake(world).values()

    assert one.outcome is BakeOutcome.FAILED
    assert "neither a Keras model" in one.reason


def test_without_tensorflow_only_what_is_there_is_good(world: World) -> None:
    world.add_compiled("there", 1, "a")
    world.add("late", 1, "b")

    baked = bake(world, tensorflow=False)

    assert baked["there", 1].outcome is BakeOutcome.FOUND
    assert baked["late", 1].reason == NO_COMPILER


def test_a_folder_that_takes_nothing_fails_each_version_by_itself(world: World) -> None:
    for version in (1, 2):
        world.add("m", version, str(version))
    world.compiled.write_text("in the way")

    baked = bake(world)

    assert [one.outcome for one in baked.values()] == [BakeOutcome.FAILED] * 2
    assert all(one.reason.startswith("compiling can't begin: ") for one in baked.values())


def test_nothing_but_compiled_versions_is_left(world: World) -> None:
    world.compiled.mkdir()
    (world.compiled / f"{SCRATCH}of-one-that-was-killed").mkdir()
    world.add("strange", 1, "no model")

    bake(world)

    assert list(world.compiled.iterdir()) == []
    assert not (world.run_dir / "children").exists()


def test_children_end_with_it(world: World) -> None:
    world.add("m", 1, "a")
    baking = Baking(world.repository, world.compiled, LIMITS)
    baking.step(0.0)
    assert baking.stages() == {"m 1": "start"}

    baking.close()

    assert list(world.compiled.iterdir()) == []


def test_a_repository_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(OSError, match="none"):
        Baking(world.folder / "none", world.compiled, LIMITS)
