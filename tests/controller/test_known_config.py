"""Who deletes goes by the configuration in force, and deletes nothing where nobody knows it."""

import shutil

from service.controller.known_config import KnownConfigs
from service.repository.model_config import ModelConfig
from tests.controller.world import LIMITS, World


def horizon(world: World, model: str = "m") -> float | None:
    known = KnownConfigs(world.store.rows(), world.controller.told_configs())
    config = known.of(model)
    return None if config is None else config.feedback.horizon_days


def write(world: World, text: str) -> None:
    (world.repository / "m" / "model.yaml").write_text(text)
    world.step()


def test_a_version_that_was_deleted_holds_no_change_up(world: World) -> None:
    world.add_compiled("m", 1, "a")
    world.add_compiled("m", 2, "b")
    write(world, "feedback: {horizon_days: 90}")
    shutil.rmtree(world.repository / "m" / "2")
    world.step()
    write(world, "feedback: {horizon_days: 365}")
    assert horizon(world) == 365
    write(world, "feedback: {horizon_days: 7}")
    assert horizon(world) == 7


def test_a_version_that_comes_while_the_file_is_broken_changes_nothing(world: World) -> None:
    world.add_compiled("m", 1, "a")
    write(world, "feedback: {horizon_days: 365}")
    world.add_compiled("m", 2, "b")
    write(world, "feedback: {horizon_days: 365, until: 3}")
    assert horizon(world) == 365


def test_nobody_knows_it_where_the_file_was_broken_all_the_time(world: World) -> None:
    world.add_compiled("m", 1, "a")
    world.add_compiled("n", 1, "b")
    write(world, "feedback: {horizon_days: 365, until: 3}")
    assert (horizon(world), horizon(world, "n")) == (None, ModelConfig().feedback.horizon_days)


def test_a_model_that_is_gone_has_the_usual_one_unless_all_are(world: World) -> None:
    usual = ModelConfig().feedback.horizon_days
    world.add_compiled("m", 1, "a")
    write(world, "feedback: {horizon_days: 365}")
    assert horizon(world, "gone") == usual
    shutil.rmtree(world.repository / "m")
    world.controller = world.new_controller(LIMITS)
    world.controller.start()
    world.step()
    assert horizon(world, "gone") is None
