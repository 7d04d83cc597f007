"""The time for an end: nobody kills what still answers, and those outside are told so."""

import re
from itertools import pairwise

import pytest
import yaml

from service.base.graces import BODIES_S, Graces
from service.base.settings import Settings
from service.web.server import Server
from tests.conftest import ROOT

DEFAULTS = Settings()
OUTSIDE_S = DEFAULTS.drain_s + Graces(DEFAULTS.predict_timeout_s).outside_s


@pytest.mark.parametrize("predict_timeout_s", [0.5, 30, 600])
def test_each_waits_longer_than_the_one_it_waits_for(predict_timeout_s: float) -> None:
    graces = Graces(predict_timeout_s)
    chain = [graces.worker_s, graces.web_s, graces.runtime_s, graces.keeper_s, graces.outside_s]
    assert chain[0] > BODIES_S + predict_timeout_s
    assert all(later > earlier for earlier, later in pairwise(chain))


def test_a_model_that_takes_its_time_is_waited_for() -> None:
    slow = Server(Settings(predict_timeout_s=300, drain_s=2.5)).cfg
    assert slow.worker_class.CONFIG_KWARGS["timeout_graceful_shutdown"] == 325
    assert slow.graceful_timeout == 333


def test_the_documentation_tells_the_sum() -> None:
    text = " ".join((ROOT / "docs" / "replicas.md").read_text().split())
    told = re.search(
        r"`drain_s`, `predict_timeout_s` and (\d+) seconds before it kills .*? "
        r"with the defaults (\d+) seconds",
        text,
    )
    assert told is not None
    assert float(told[1]) == Graces(0).outside_s
    assert float(told[2]) == OUTSIDE_S
    assert f"has {BODIES_S:g} seconds to come" in text


def test_the_page_on_docker_tells_it_too() -> None:
    text = " ".join((ROOT / "docs" / "deploy-docker.md").read_text().split())
    told = re.search(
        r"`drain_s`, `predict_timeout_s` and (\d+) seconds, with the defaults (\d+) seconds", text
    )
    assert told is not None
    assert (float(told[1]), float(told[2])) == (Graces(0).outside_s, OUTSIDE_S)
    waits = re.findall(r"docker stop --time (\d+)", text)
    assert len(waits) == 2
    assert all(float(wait) > OUTSIDE_S for wait in waits)


@pytest.mark.parametrize("name", ["web", "web-2", "tensorflow-2"])
def test_compose_waits_as_long(name: str) -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    period = services[name]["stop_grace_period"]
    assert period.endswith("s")
    assert float(period[:-1]) > OUTSIDE_S
