"""The image with TensorFlow: it compiles what is dropped into its folder, and is asked for it."""

import re

import pytest

from tests.images.contained import MEGABYTE, MODELS, SAMPLES, contained, mounted
from tests.images.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(1200)]

OPEN = ["--env", "KERASD_ACCESS=open", "--env", "KERASD_WORKERS=1", "--memory", "3g"]


def test_locked_down_it_compiles_answers_and_ends(
    engine: Engine, images: dict[str, str], figures: dict[str, str]
) -> None:
    models = mounted(MODELS, "/models")
    with contained(engine, *OPEN, *models, images["full"]) as container:
        took_s = max(container.first_answer_s(model) for model in SAMPLES)
        figures["full: three samples compiled and answered"] = f"{took_s:.0f} s after docker run"
        container.wait_healthy()

        held = container.anonymous_bytes() / MEGABYTE
        figures["full: memory, three samples, one worker"] = f"{held:.0f} MB anonymous"
        compiled = engine.exec(container.id, "ls", "/var/lib/kerasd/compiled").split()
        assert len([name for name in compiled if re.fullmatch("[0-9a-f]{64}", name)]) == 3
        assert engine.stop(container.id) == 0


def test_a_controller_is_healthy_without_a_port(engine: Engine, images: dict[str, str]) -> None:
    models = mounted(MODELS, "/models")
    with contained(engine, *OPEN, *models, images["full"], "controller") as container:
        container.wait_healthy()
        assert engine.stop(container.id) == 0


def test_web_alone_is_not_healthy_before_a_controller_has_looked(
    engine: Engine, images: dict[str, str]
) -> None:
    with contained(engine, *OPEN, images["serve"], "web") as container:
        container.first_line()

        probe = ("python", "-I", "-m", "service.base.probe", "0.0.0.0", "8080")
        said = engine.exec(container.id, "sh", "-c", f"{' '.join(probe)}; echo $?")
        assert said.endswith("\n1")
        assert engine.health(container.id) == "starting"
