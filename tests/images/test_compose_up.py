"""`docker compose up`: web and controller are two containers that share a volume and nothing else.

A thousand people are asked about and labelled over HTTP; Prometheus, with the committed settings,
tells that two ill people were found and seven missed, though 99 of 100 answers are right.
"""

import math
import time
from collections.abc import Iterator
from functools import partial

import orjson
import pytest
import requests

from tests.images import numbers
from tests.images.composed import Composed, composed
from tests.images.engine import Engine
from tests.images.numbers import write_numbers
from tests.images.pages import blocks
from tests.images.people import MODEL, predict, predict_and_label, write_model
from tests.labelling import Labelling
from tests.running import wait_until
from tests.test_quality import EXPECTED, FROM_COUNTERS, gauge

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(900)]
STATE = "/var/lib/kerasd"
CELLS = {
    ("ill", "ill"): 2, ("healthy", "ill"): 3, ("ill", "healthy"): 7, ("healthy", "healthy"): 988,
}  # fmt: skip
BELL = f"""
from pathlib import Path; from service.base.bell import Bell; bell = Bell(Path('{STATE}/run/bell'))
"""
STARTED = ("web", "controller", "tensorboard", "prometheus", "alertmanager")


@pytest.fixture(scope="module")
def project(
    engine: Engine, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    models = folder / "models"
    write_model(models)
    write_numbers(folder / "made", models / numbers.MODEL)
    with composed(engine, folder, models, images["full"]) as project:
        project.up(*STARTED)
        project.wait_healthy("web")
        wait_until(lambda: is_ready(project), "both models are served")
        yield project


def is_ready(project: Composed) -> bool:
    """Ready as a whole: a model is known once the controller has found it."""
    told = [
        requests.get(f"{project.url('web')}/v1/models/{m}", timeout=60)
        for m in (MODEL, numbers.MODEL)
    ]
    return all(one.ok and "AVAILABLE" in one.text for one in told)


def test_it_was_migrated_before_it_was_started(project: Composed) -> None:
    migrated = project.engine.docker("ps", "--all", "--quiet", "--filter", "name=migrate")
    ended = project.engine.inspect(migrated, "{{.State.ExitCode}} {{.State.FinishedAt}}").split()
    begun = project.engine.inspect(project.container("web"), "{{.State.StartedAt}}")
    assert ended[0] == "0"
    assert ended[1] < begun
    assert "made anew" in project.engine.logs(migrated)


@pytest.mark.parametrize("service", STARTED)
def test_no_container_can_do_more_than_it_must(project: Composed, service: str) -> None:
    said = project.exec(service, "sh", "-c", "id -u; cat /proc/self/status; touch /x || echo no /x")
    uid, *lines = said.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert uid == ("10001" if service in STARTED[:3] else "65534")
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert lines[-1] == "no /x"
    form = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CapDrop}}"
    memory, *_ = project.engine.inspect(project.container(service), form).split()
    assert int(memory) > 0


def test_the_controller_reaches_nothing_beyond_its_network(project: Composed) -> None:
    form = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    of = {name: project.engine.inspect(project.container(name), form).split() for name in STARTED}
    assert of["controller"] == ["kerasd_inside"]
    assert sorted(of["web"]) == ["kerasd_database", "kerasd_default"]
    assert of["tensorboard"] == ["kerasd_shown"]  # it doesn't reach the others
    inspected = project.engine.docker("network", "inspect", "kerasd_inside")
    assert orjson.loads(inspected)[0]["Internal"] is True


def test_a_bell_that_one_rings_is_heard_by_the_other(project: Composed) -> None:
    spaces = {project.exec(name, "readlink", "/proc/self/ns/pid") for name in STARTED[:2]}
    assert len(spaces) == 2
    before = project.python("web", f"{BELL}print(bell.value)")
    project.python("controller", f"{BELL}bell.ring()")
    assert project.python("web", f"{BELL}print(bell.value)") != before


def test_a_lock_that_one_holds_is_held_for_the_other(project: Composed) -> None:
    second = project.run("run", "--rm", "-T", "--no-deps", "web", "controller")
    assert second.returncode != 0
    assert "state" in second.stderr + second.stdout
    assert "Another" in second.stderr + second.stdout


def test_web_asks_the_tensorflow_of_the_other_container(project: Composed) -> None:
    assert "tensorflow.sock" in project.exec("web", "ls", f"{STATE}/run")
    assert "tensorflow_server" not in project.exec("web", "sh", "-c", "cat /proc/*/cmdline")

    answer = orjson.loads(project.python("web", numbers.CODE))

    assert answer["predictions"] == numbers.ANSWER


def test_counters_lie_in_the_memory_of_the_container(project: Composed) -> None:
    place = project.exec("web", "readlink", "-f", f"{STATE}/metrics")
    assert place.startswith("/dev/shm/kerasd-metrics-")
    assert project.exec("web", "ls", place).endswith(".db")


def test_nothing_secret_is_in_an_environment(project: Composed) -> None:
    for service in STARTED[:2]:
        told = project.engine.inspect(project.container(service), "{{json .Config}}")
        told += project.exec(service, "sh", "-c", "cat /proc/*/environ")
        assert "DATABASE_URL" not in told
        assert "kerasd_database_url" in project.exec(service, "ls", "/run/secrets")


def test_who_ended_is_known_to_be_gone_and_who_lives_is_not(project: Composed) -> None:
    """Workers are told apart by their container's processes, not by numbers that are the same."""
    url = f"{project.url('web')}/v1/models/{MODEL}/versions/1:promote"
    assert requests.post(url, json={}, timeout=60).status_code == 200
    container = project.container("web")
    assert project.engine.stop(container) == 0
    project.engine.docker("start", container)
    project.wait_healthy("web")
    wait_until(lambda: is_ready(project), "ready again")
    answer = requests.post(url, json={}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.elapsed.total_seconds() < 10


def test_the_figures_appear_in_prometheus(project: Composed) -> None:
    wait_until(lambda: bool(project.query('up{job="kerasd", instance="web:8080"} == 1')), "up", 60)
    predict_and_label(project.url("web"))

    for expressions in (FROM_COUNTERS, {metric: gauge(metric, "1h") for metric in EXPECTED}):
        for metric, expression in expressions.items():
            wait_until(partial(is_told, project, expression, EXPECTED[metric]), metric, 90)

    found = project.query("max by (true_class, predicted_class) (kerasd_feedback_confusion_total)")
    cells = {
        (one["metric"]["true_class"], one["metric"]["predicted_class"]): one["value"][1]
        for one in found
    }
    assert {cell: float(rows) for cell, rows in cells.items()} == CELLS


def is_told(project: Composed, expression: str, wanted: float) -> bool:
    found = project.query(expression)
    return bool(found) and math.isclose(float(found[0]["value"][1]), wanted, abs_tol=5e-5)


def test_prometheus_has_the_rules_and_the_alertmanager(project: Composed) -> None:
    url = project.url("prometheus")
    rules = requests.get(f"{url}/api/v1/rules", timeout=30).json()["data"]["groups"]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}
    found = requests.get(f"{url}/api/v1/alertmanagers", timeout=30).json()["data"]
    assert [one["url"] for one in found["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]


def test_all_are_healthy_and_tensorboard_answers(project: Composed) -> None:
    for service in ("web", "prometheus", "alertmanager"):
        project.wait_healthy(service)
    assert requests.get(project.url("tensorboard"), timeout=30).status_code == 200


def test_what_was_backed_up_as_the_page_says_is_there_after_all_else_is_lost(
    project: Composed,
) -> None:
    _, backup, down, _, restore = blocks("operations.md", "With compose")
    (id_,) = predict(project.url("web"), [1.0])
    for line in (*backup, *down, *restore[:-1]):  # the last starts Grafana, too
        project.shell(line)

    project.up(*STARTED)
    project.wait_healthy("web")
    wait_until(lambda: is_ready(project), "both models are served")

    assert Labelling(project.url("web"), MODEL).send([(id_, "ill")]) == {"accepted": 1}


def test_with_keys_prometheus_has_one_and_others_are_refused(project: Composed) -> None:
    """The commands are those of docs/deploy-docker.md."""
    add = ("run", "--rm", "-T", "--no-deps", "web", "keys", "add")
    key = project.compose(*add, "ann", "--roles", "predict").strip()
    project.secret("metrics_key", project.compose(*add, "prometheus", "--roles", "metrics"))
    project.change(KERASD_ACCESS="keys")
    project.up("web")
    project.wait_healthy("web")
    url = f"{project.url('web')}/v1/models/{MODEL}:predict"
    asked = partial(requests.post, url, json={"instances": [[1.0]]}, timeout=60)

    assert asked().status_code == 401
    assert asked(headers={"X-API-Key": key}).status_code == 200
    since = f"timestamp(up{{job='kerasd'}} == 1) > {time.time()}"
    wait_until(lambda: bool(project.query(since)), "it is scraped with a key", 60)
