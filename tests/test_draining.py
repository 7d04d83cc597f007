"""A service that is told to end under load loses no request, whatever its clients are doing."""

import json
import os
import random
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from service.base.database import open_database
from service.base.settings import Settings
from service.jobs.job import JobOrder, Kind
from service.jobs.store import JobStore
from tests.keep_alive import Line, Load, Work, post
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow

MODEL = "breast-cancer"
PATH = f"/v1/models/{MODEL}:predict"
DRAIN_S = 1.0
LINGER_S = 2.0
GRACE_S = 30.0
SLACK_S = 3.0  # of a busy machine
LOADED_S = 2.5
PIPELINED = 5
SLOW_S = 2 * DRAIN_S


@dataclass(frozen=True, slots=True)
class Home:
    """A repository with one model, compiled; each service begins with it."""

    repository: Path
    state: Path
    rows: list[list[float]]

    @contextmanager
    def service(self, half: str = "web", **settings: str) -> Iterator[RunningService]:
        told = {"drain_s": str(DRAIN_S), **settings}
        with running(self.repository, self.state, half=half, **told) as service:
            service.wait_ready()
            yield service

    def request(self, rows: int) -> bytes:
        body = json.dumps({"instances": (self.rows * (rows // len(self.rows) + 1))[:rows]})
        return post(PATH, body.encode())

    def wait_job(self) -> str:
        """A job that waits for a controller."""
        settings = Settings(repository=self.repository, state_dir=self.state)
        order = JobOrder(Kind.RETRAIN, MODEL, {"data": {"file": "rows.csv"}}, "somebody")
        return (
            JobStore(open_database(settings.database), settings.repository_key)
            .submit(order, 0.0)
            .id
        )


@pytest.fixture(scope="module")
def home(sample_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("draining")
    shutil.copytree(sample_repository / MODEL, folder / "models" / MODEL)
    examples = json.loads((sample_repository / MODEL / "examples.json").read_bytes())
    made = Home(folder / "models", folder / "state", examples["instances"])
    with made.service("serve") as service:
        assert service.stop() == 0
    return made


def ask(request: bytes, times: int = 1, pause_s: float = 0.0, stays: bool = True) -> Work:
    """What one client does again and again."""

    async def work(line: Line, _draw: random.Random) -> None:
        await line.ask(request, times, pause_s)
        if not stays:
            line.close()

    return work


def every_kind(home: Home, port: int) -> list[Load]:
    """About half of what two workers can do: small and large, slow, pipelined, kept and fresh."""
    small, large = home.request(1), home.request(3000)
    return [
        Load(port, 40, 0.1, ask(small)),
        Load(port, 20, 1.5, ask(small)),  # often idle when the service ends
        Load(port, 5, 0.1, ask(small, stays=False)),
        Load(port, 4, 0.2, ask(small, PIPELINED)),
        Load(port, 2, 0.5, ask(large)),
        Load(port, 4, 0.2, ask(large, pause_s=SLOW_S)),
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_request_is_lost_when_a_service_under_load_ends(home: Home, number: int) -> None:
    half = "serve" if number == 1 else "web"
    with home.service(half) as service:
        loads = every_kind(home, service.port)
        with ExitStack() as stack:
            for load in loads:
                stack.enter_context(load)
            wait_until(lambda: all(load.tally.answered for load in loads), "all are answered", 30)
            threading.Event().wait(LOADED_S)
            before = sum(load.tally.answered for load in loads)
            told_at = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            code = service.process.wait(60)
            took_s = time.monotonic() - told_at
    tallies = [load.tally for load in loads]
    assert [tally.failures for tally in tallies] == [[]] * len(loads)
    assert {status for tally in tallies for status in tally.statuses} == {200}
    assert code == 0
    assert took_s < DRAIN_S + GRACE_S
    assert before > 500
    assert sum(tally.answered for tally in tallies) > before
    assert all(tally.told_to_close for tally in tallies[:2])


def test_it_says_that_it_drains_at_once_and_in_all_workers(home: Home) -> None:
    with home.service(drain_s="4") as service:
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(service), "one says it drains", 2)
        answers = [requests.get(f"{service.url}/readyz", timeout=5) for _ in range(20)]
        predicted = service.predict(MODEL, {"instances": home.rows[:1]})
        assert service.process.wait(30) == 0
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.text for answer in answers} == {'{"ready":false,"waits_for":["draining"]}'}
    assert {answer.headers["Connection"] for answer in [*answers[10:], predicted]} == {"close"}
    assert predicted.status_code == 200


def is_ready(service: RunningService) -> bool:
    """False once it drains; a worker may be a moment behind the one that said it was ready."""
    answer = requests.get(f"{service.url}/readyz", timeout=5)
    return answer.status_code == 200 or answer.json()["waits_for"] != ["draining"]


def test_idle_connections_are_answered_while_it_drains_and_hold_up_nothing(home: Home) -> None:
    request = home.request(1)
    with home.service() as service, ExitStack() as stack:
        idle = [stack.enter_context(connect(service)) for _ in range(60)]
        for one in idle[:40]:
            assert exchange(one, request).startswith(b"HTTP/1.1 200 ")
        service.process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        wait_until(lambda: not is_ready(service), "it drains", 2)
        for one in idle[30:50]:  # asked before, and never
            assert b"connection: close\r\n" in exchange(one, request)
        assert service.process.wait(30) == 0
        took_s = time.monotonic() - told_at
        ends = [one.recv(1) for one in idle]
    assert DRAIN_S < took_s < DRAIN_S + LINGER_S + SLACK_S
    assert set(ends) == {b""}


def connect(service: RunningService) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=20)


def exchange(line: socket.socket, request: bytes) -> bytes:
    line.sendall(request)
    return line.recv(1 << 16)


def test_a_stream_of_events_ends_as_it_should(home: Home) -> None:
    job = home.wait_job()
    with home.service() as service:
        url = f"{service.url}/v1/jobs/{job}/events"
        headers = {"Accept": "text/event-stream"}
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            lines = answer.iter_lines(chunk_size=1)
            told = [next(lines) for _ in range(4)]
            service.process.send_signal(signal.SIGTERM)
            rest = list(lines)  # raises unless the last chunk says that it is the last
        assert service.process.wait(30) == 0
    assert any(line.startswith(b"retry:") for line in told)
    assert rest is not None


def test_ctrl_c_ends_it_soon_and_in_order(home: Home) -> None:
    small = ask(home.request(1))
    with (
        home.service("serve", drain_s="60") as service,
        Load(service.port, 20, 0.05, small) as load,
    ):
        wait_until(lambda: load.tally.answered > 100, "it is asked", 30)
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(20) == 0
    assert load.tally.failures == []


def test_draining_is_cut_short_by_ctrl_c_and_nothing_that_is_under_way(home: Home) -> None:
    request = home.request(3000)
    with home.service("serve", drain_s="60") as service, connect(service) as line:
        line.sendall(request[:-10])
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(service), "it drains", 5)
        service.process.send_signal(signal.SIGTERM)  # once more, as groups are told
        assert not is_ready(service)
        service.process.send_signal(signal.SIGINT)
        threading.Event().wait(3 * LINGER_S / 2)  # longer than anything but a request has
        assert exchange(line, request[-10:]).startswith(b"HTTP/1.1 200 ")
        assert service.process.wait(20) == 0


def test_the_master_hears_of_every_worker_all_the_time(home: Home) -> None:
    with home.service() as service:
        heard = {worker: heard_of(worker) for worker in service.workers()}
        wait_until(lambda: all(heard_of(one) > heard[one] for one in heard), "all live", 5)
        assert service.stop() == 0


def heard_of(worker: int) -> float:
    """When it said last that it lives, by the monotonic clock: the time of a file of its own."""
    opened = Path(f"/proc/{worker}/fd").iterdir()
    (told,) = [one for one in opened if "wgunicorn-" in os.readlink(one)]
    return told.stat().st_mtime


def test_what_dies_while_it_drains_is_not_started_again(home: Home) -> None:
    with home.service("serve", drain_s="6") as service:
        before = set(service.pids(""))
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(service), "it drains", 5)
        (killed, *_) = service.workers()
        os.kill(killed, signal.SIGKILL)
        assert service.predict(MODEL, {"instances": home.rows[:1]}).status_code == 200
        wait_until(lambda: killed not in service.pids(""), "it is gone", 10)
        (master,) = set(service.pids(" web ")) - set(service.workers())
        os.kill(master, signal.SIGKILL)
        assert service.process.wait(20) == 0
        assert set(service.pids("")) <= before


def test_a_worker_that_is_ended_alone_loses_nothing_and_is_replaced(home: Home) -> None:
    with home.service() as service:
        with Load(service.port, 40, 0.05, ask(home.request(1))) as load:
            for _ in range(2):
                replace_a_worker(service)
            wait_until(service.is_ready, "all is well", 20)
        assert service.stop() == 0
    assert load.tally.failures == []
    assert load.tally.refused == 0


def replace_a_worker(service: RunningService) -> None:
    ended = service.workers()[0]
    os.kill(ended, signal.SIGTERM)
    wait_until(lambda: ended not in service.workers(), "it has ended", 20)
    wait_until(lambda: len(service.workers()) == 2, "it is replaced", 20)
