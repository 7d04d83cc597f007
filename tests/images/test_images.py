"""What is in the images: user, labels, size; no compiler, no TensorFlow in `serve`, no tests."""

import json

import pytest

from tests.images.base_image import base_name
from tests.images.contained import MEGABYTE
from tests.images.engine import DockerFailed, Engine

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(1200)]

MOST_MEGABYTES = {"serve": 350, "full": 1450}  # unpacked, with the base
LABEL = "org.opencontainers.image"
PACKAGES = "/opt/kerasd/lib/python3.11/site-packages"


@pytest.fixture(params=["serve", "full"])
def image(request: pytest.FixtureRequest, images: dict[str, str]) -> str:
    return images[request.param]


def shell(engine: Engine, image: str, command: str) -> str:
    """What a shell command prints that runs as root, who sees everything."""
    return engine.run_once("--user", "0", "--entrypoint", "sh", image, "-c", command)


def test_sizes(engine: Engine, images: dict[str, str], figures: dict[str, str]) -> None:
    base = int(engine.inspect(base_name(), "{{.Size}}"))
    for target, image in images.items():
        size = int(engine.inspect(image, "{{.Size}}"))
        ours = (size - base) / MEGABYTE
        figures[f"{target}: size"] = f"{size / MEGABYTE:.0f} MB, without the base {ours:.0f} MB"
        assert size < MOST_MEGABYTES[target] * MEGABYTE


def test_configuration(engine: Engine, image: str) -> None:
    config = json.loads(engine.inspect(image, "{{json .Config}}"))

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["kerasd"]
    assert config["Cmd"] == ["serve"]
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    assert list(config["Volumes"]) == ["/var/lib/kerasd"]
    assert "KERASD_ACCESS" not in "".join(config["Env"])  # keys are asked for


def test_labels_tell_version_and_revision(engine: Engine) -> None:
    args = {"VERSION": "1.2.3", "REVISION": "4f99d10"}
    tag = engine.build("serve", tag="kerasd:labelled", args=args)
    labels = json.loads(engine.inspect(tag, "{{json .Config.Labels}}"))

    assert labels[f"{LABEL}.version"] == "1.2.3"
    assert labels[f"{LABEL}.revision"] == "4f99d10"
    assert labels[f"{LABEL}.licenses"] == "Apache-2.0"
    assert labels[f"{LABEL}.title"] == "kerasd (serve)"


def test_no_compiler_and_no_tests(engine: Engine, image: str) -> None:
    found = shell(engine, image, "command -v gcc cc c++ ld as strip make uv; true")
    assert found == ""
    keras = f"find {PACKAGES}/keras {PACKAGES}/tf_keras -name '*_test.py'"
    assert shell(engine, image, f"{keras} 2>/dev/null; find {PACKAGES} -name '*.h'") == ""
    assert shell(engine, image, "ls -A /src 2>/dev/null; find / -xdev -name .cache") == ""


def test_nothing_is_writable_for_the_user_but_its_places(engine: Engine, image: str) -> None:
    find = (
        "find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/dev/*' 2>/dev/null"
    )
    found = engine.run_once("--entrypoint", "sh", image, "-c", f"{find}; true").split()
    places = ("/tmp", "/var/tmp", "/models", "/run/lock", "/var/lib/kerasd", "/proc", "/dev")
    assert [name for name in found if not name.startswith(places)] == []


def test_tensorflow_is_in_full_only(engine: Engine, images: dict[str, str]) -> None:
    command = ("--entrypoint", "python")
    program = ("-c", "import tensorflow")
    with pytest.raises(DockerFailed, match="No module named 'tensorflow'"):
        engine.run_once(*command, images["serve"], *program)
    engine.run_once("--read-only", "--tmpfs", "/tmp", *command, images["full"], *program)


def test_commands_are_what_follows_the_image(engine: Engine, image: str) -> None:
    assert engine.run_once(image, "--version").startswith("kerasd, version ")
    assert "Run only the controller" in engine.run_once(image, "controller", "--help")


def test_without_keys_and_with_the_default_access_it_does_not_start(
    engine: Engine, image: str
) -> None:
    with pytest.raises(DockerFailed, match="keys"):
        engine.run_once(image)
