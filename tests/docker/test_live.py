"""Every panel of Overview and Runtime has data when the real service is scraped under traffic."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from threading import Timer

import pytest
import requests

from tests.conftest import ROOT
from tests.docker.live import PrivatePrometheus, scraping, silent_panels, silent_rules
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow
MODEL = "breast-cancer"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The sample models, one of them in two versions."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(ROOT / "model_repo", folder / "models")
    shutil.copytree(folder / "models" / MODEL / "1", folder / "models" / MODEL / "2")
    with running(folder / "models", folder / "state") as started:
        started.wait_ready()
        yield started


@pytest.fixture(scope="module")
def server(service: RunningService) -> Iterator[PrivatePrometheus]:
    """After scrapes before, during and after traffic of every kind."""
    with scraping([service.url]) as started:
        for _ in range(2):  # series begin with the first of their kind; then they rise
            order(service, "POST", "/versions/1:promote", {})
            order(service, "PUT", "/labels/candidate", {"version": 2})
            canary = {"label": "candidate", "percent": 50}
            for traffic in ({"canary": canary}, {"shadow": "candidate"}):
                order(service, "PUT", "/traffic", traffic)
                ask(service, 40)
                time.sleep(2)  # two scrapes
            order(service, "DELETE", "/traffic", None)
            order(service, "DELETE", "/labels/candidate", None)
            order(service, "POST", "/versions/2:promote", {})
            be_refused(service)
            upload(service)
            time.sleep(2)
        wait_until(lambda: not silent_rules(started, "kerasd-traffic"), "rules were evaluated", 30)
        yield started


def order(service: RunningService, method: str, path: str, body: object) -> None:
    url = f"{service.url}/v1/models/{MODEL}{path}"
    answer = requests.request(method, url, json=body, timeout=60)
    assert answer.ok, answer.text


def ask(service: RunningService, times: int) -> None:
    body = {"instances": [[0.5] * 30]}
    for _ in range(times):
        assert service.predict(MODEL, body).status_code == 200
    assert service.predict(MODEL, {"instances": [["no number"]]}).status_code == 400


def be_refused(service: RunningService) -> None:
    """A body that is too large, an order of a web page."""
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(
            b"POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n"
        )
        assert b" 413 " in connection.recv(100)
    url = f"{service.url}/v1/models/motions"
    page = requests.post(f"{url}:unload", headers={"Origin": "http://evil.example"}, timeout=60)
    assert page.status_code == 403


def upload(service: RunningService) -> None:
    content = (ROOT / "model_repo" / MODEL / "1" / "model.h5").read_bytes()
    answer = requests.post(f"{service.url}/v1/models/copy/versions", data=content, timeout=60)
    assert answer.ok, answer.text


@pytest.mark.parametrize(
    ("dashboard", "never_happened"),
    [
        ("overview", ["Workers that fail"]),
        ("runtime", ["Predictions refused", "Evictions", "Since the repository was last mirrored"]),
    ],
)
def test_panels_have_data(
    server: PrivatePrometheus, dashboard: str, never_happened: list[str]
) -> None:
    silent = silent_panels(server, dashboard)
    assert [found.where for found in silent] == [f"{dashboard}: {name}" for name in never_happened]
    assert all(found.may_be_empty for found in silent)


@pytest.mark.parametrize("group", ["kerasd-traffic", "kerasd-error-budget"])
def test_rules_have_data(server: PrivatePrometheus, group: str) -> None:
    assert silent_rules(server, group) == []


def test_figures_are_those_of_the_traffic(
    server: PrivatePrometheus, service: RunningService
) -> None:
    def answered() -> float:
        return server.value(f'sum(kerasd_predict_requests_total{{model="{MODEL}", outcome="ok"}})')

    before = answered()
    ask(service, 7)
    wait_until(lambda: answered() == before + 7, "all seven are scraped", 30)
    assert server.value("max(job_model:kerasd_error_budget_burn:ratio_rate5m)") == 0
    assert server.firing() == set()


def test_it_is_scraped_by_the_name_that_compose_gives_it(service: RunningService) -> None:
    answer = requests.get(f"{service.url}/metrics", headers={"Host": "web:8080"}, timeout=60)
    assert answer.status_code == 200


def test_a_query_that_is_wrong_is_no_empty_one(server: PrivatePrometheus) -> None:
    with pytest.raises(ValueError, match="parse error"):
        server.query("up{")
    assert server.query("kerasd_no_such_metric") == []


def test_a_gap_of_a_scrape_that_failed_is_no_answer(
    server: PrivatePrometheus, service: RunningService
) -> None:
    workers = service.workers()
    _send(workers, signal.SIGSTOP)
    going_on = Timer(1, _send, (workers, signal.SIGCONT))
    try:
        wait_until(server.was_down, "a scrape has failed", 30)
    finally:
        going_on.start()
    assert server.value(f'count(kerasd_model_ready{{model="{MODEL}"}})') > 0
    going_on.join()


def test_no_rule_fails(server: PrivatePrometheus) -> None:
    assert server.unhealthy_rules() == []


def _send(processes: Sequence[int], what: signal.Signals) -> None:
    for process in processes:
        os.kill(process, what)
