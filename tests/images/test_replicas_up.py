"""The profile `replicas`: two web containers and a controller on PostgreSQL, behind nginx.

Under load one of them is killed; then each is ended and started in turn, as when a service is
upgraded. Not one request fails, and every label of what was predicted meanwhile counts once.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import orjson
import pytest
import requests

from service.client import Client
from tests.images import numbers
from tests.images.composed import Composed, composed
from tests.images.engine import Engine
from tests.images.load import Load, load
from tests.images.numbers import write_numbers
from tests.images.pages import blocks
from tests.images.people import MODEL, predict, write_model
from tests.labelling import Labelling
from tests.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(900)]
REPLICAS = ("web", "web-2")
LABELS = 1000  # of a request
GRACE_S = 60
PAUSE_S = 0.01  # of each client: the machine has other things to do, too
REPLACED = (*REPLICAS, "controller", "tensorflow-2")
UPLOAD_S = 120.0
ASK = (f"/v1/models/{MODEL}:predict", b'{"instances": [[1.0]]}')
ASK_TENSORFLOW = (f"/v1/models/{numbers.MODEL}:predict", b'{"instances": [[0, 1, 2, 3]]}')


@pytest.fixture(scope="module")
def project(
    engine: Engine, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("replicas")
    models = folder / "models"
    write_model(models)
    write_numbers(folder / "made", folder / numbers.MODEL)
    with composed(engine, folder, models, images["full"], "replicas") as project:
        project.change(KERASD_MODELS="models", KERASD_MODELS_MODE="rw")
        project.up("nginx", "controller")  # nginx waits for both, they for the schema
        upload(project, models)
        put(project, folder / numbers.MODEL)
        for service in REPLICAS:
            for model in (MODEL, numbers.MODEL):
                wait_until(
                    partial(is_serving, project, service, model), f"{service} serves {model}"
                )
        yield project


def upload(project: Composed, models: Path) -> None:
    """By way of nginx into the volume, which is the service's own to write."""
    files = [models / MODEL / "1" / "model.h5", models / MODEL / "model.yaml"]
    told = Client(project.url("nginx"), timeout_s=UPLOAD_S).upload(MODEL, files, wait=True)
    assert told["version"] == 1, told


def put(project: Composed, folder: Path) -> None:
    """Into the same volume as a person does who may write it."""
    one_off = ("run", "--rm", "-T", "--no-deps", "--volume", f"{folder}:/from:ro")
    project.compose(*one_off, "--entrypoint", "cp", "web", "-r", "/from", f"/models/{folder.name}")


def is_serving(project: Composed, service: str, model: str) -> bool:
    """Ready, and with the model: one that knows of none yet is ready, too."""
    code = (
        "import urllib.request as u; "
        f"print(u.urlopen('http://127.0.0.1:8080/v1/models/{model}').read().decode())"
    )
    try:
        return "AVAILABLE" in project.python(service, code)
    except AssertionError:  # 404 or 503, or nobody listens yet
        return False


def test_all_are_on_one_postgresql(project: Composed) -> None:
    query = "SELECT count(DISTINCT split_part(worker, '/', 1)) FROM workers"
    told = project.exec("postgres", "psql", "-h", "/run/postgresql", "-U", "kerasd", "-Atc", query)
    assert told == "2"
    assert "sqlite" not in project.exec("web", "ls", "/var/lib/kerasd")


def test_a_label_counts_whichever_replica_takes_it(project: Composed) -> None:
    ids = [id_ for _ in range(20) for id_ in predict(project.url("nginx"), [1.0])]
    labelling = Labelling(project.url("nginx"), MODEL)
    assert [labelling.send([(id_, "ill")]) for id_ in ids] == [{"accepted": 1}] * 20
    assert labelling.send([(id_, "ill") for id_ in ids]) == {"duplicate": 20}


def test_one_is_killed_under_load_and_no_request_fails(project: Composed) -> None:
    with load(project.url("nginx"), *ASK, pause_s=PAUSE_S) as clients:
        clients.go_on()
        project.engine.docker("kill", project.container("web-2"))
        clients.go_on(500)
        project.engine.docker("start", project.container("web-2"))
        project.wait_healthy("web-2")
        clients.go_on()
    told(clients, "killed")
    assert clients.failures == []
    label_once(project, clients)


def test_both_are_replaced_under_load_as_the_page_says_and_no_request_fails(
    project: Composed,
) -> None:
    """What TensorFlow runs is asked for, too, whose containers are replaced as well."""
    _, lines = blocks("deploy-docker.md", "Upgrading")
    before = {service: project.container(service) for service in REPLACED}
    with (
        load(project.url("nginx"), *ASK, pause_s=PAUSE_S) as clients,
        load(project.url("nginx"), *ASK_TENSORFLOW, pause_s=PAUSE_S) as others,
    ):
        for line in lines[1:-1]:  # the image is built, and one with Grafana isn't started
            # docker-compose 1.29 has no --wait, and replaces only what has changed.
            project.shell(line.replace(" --wait", "").replace(" up ", " up --force-recreate "))
            if "--wait" in line:
                project.wait_healthy(line.split()[-1])
            clients.go_on()
            others.go_on()
    told(clients, "replaced")
    assert clients.failures + others.failures == []
    assert all(project.container(service) != before[service] for service in REPLACED)
    label_once(project, clients)


def test_nginx_asks_both(project: Composed) -> None:
    counted = {service: answered(project, service) for service in REPLICAS}
    for _ in range(40):
        predict(project.url("nginx"), [1.0])
    for service in REPLICAS:
        assert answered(project, service) > counted[service], service


def test_each_has_a_tensorflow_to_ask(project: Composed) -> None:
    for service in REPLICAS:
        answer = orjson.loads(project.python(service, numbers.CODE))
        assert answer["predictions"] == numbers.ANSWER, service


def test_a_change_by_one_is_followed_by_the_other(project: Composed) -> None:
    url = f"{project.url('nginx')}/v1/models/{MODEL}/versions/1:promote"
    answer = requests.post(url, json={}, timeout=60)
    assert answer.status_code == 200, answer.text


def test_a_retrain_is_published_into_the_volume_and_served_by_both(project: Composed) -> None:
    """The rows come to the second replica, the job runs in the controller's container."""
    url = f"{project.url('nginx')}/v1/models/{MODEL}"
    asked = {"data": {"file": send_rows(project)}, "gate": {"min_gain": -1}, "promote": "auto"}
    answer = requests.post(f"{url}:retrain", json=asked, timeout=60)
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]

    def state() -> str:
        told = requests.get(f"{project.url('nginx')}/v1/jobs/{job}", timeout=60).json()
        assert told["state"] not in ("FAILED", "GATED"), told
        return str(told["state"])

    wait_until(lambda: state() == "PUBLISHED", "it is published", 120)
    for service in REPLICAS:
        second = f"{MODEL}/versions/2"
        wait_until(partial(is_serving, project, service, second), f"{service} serves it", 60)
    assert "manifest.json" in project.exec("web", "ls", f"/models/{MODEL}/2").split()


def test_what_was_backed_up_as_the_page_says_is_there_after_all_else_is_lost(
    project: Composed,
) -> None:
    dump, backup, down, load_dump, restore = blocks("operations.md", "With compose")
    ids = predict(project.url("nginx"), [1.0, 1.0])
    labelling = Labelling(project.url("nginx"), MODEL)
    assert labelling.send([(ids[0], "ill")]) == {"accepted": 1}
    for line in (*dump, *backup, *down, *load_dump, *restore[:-1]):  # the last starts Grafana, too
        project.shell(line)

    project.up("nginx", "controller")
    for service in REPLICAS:
        wait_until(partial(is_serving, project, service, MODEL), f"{service} serves again")

    labelling = Labelling(project.url("nginx"), MODEL)
    assert labelling.send([(id_, "ill") for id_ in ids]) == {"duplicate": 1, "accepted": 1}
    assert project.exec("controller", "ls", f"/var/lib/kerasd/data/{MODEL}")  # of the retrain above


def send_rows(project: Composed) -> str:
    """The name of a data file that `web-2` has taken for all."""
    rows = [f"{row % 2 + row / 1000},{('healthy', 'ill')[row % 2]}" for row in range(200)]
    body = "\n".join(["x,y", *rows, ""]).encode()
    url = f"http://127.0.0.1:8080/v1/models/{MODEL}/data?name=rows.csv"
    code = f"import urllib.request as u; print(u.urlopen({url!r}, data={body!r}).read().decode())"
    return str(orjson.loads(project.python("web-2", code))["file"])


def label_once(project: Composed, clients: Load) -> None:
    ids = [orjson.loads(one)["prediction_id"] for one in clients.answers]
    labelling = Labelling(project.url("nginx"), MODEL)
    for at in range(0, len(ids), LABELS):
        some = [(id_, "ill") for id_ in ids[at : at + LABELS]]
        assert labelling.send(some) == {"accepted": len(some)}


def answered(project: Composed, service: str) -> float:
    """How many requests for predictions a replica has answered since its start."""
    code = (
        "import urllib.request as u; "
        "print(u.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
    )
    lines = project.python(service, code).splitlines()
    name = "kerasd_predict_requests_total{"
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def told(clients: Load, what: str) -> None:
    print(f"{what}: {len(clients.answers)} answers, slowest {clients.slowest_s:.2f} s")
