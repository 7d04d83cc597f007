"""The real service with keys: all of its workers, its edge, its log, and how it starts."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.attacks.requests import Hostile, head, post
from tests.attacks.requests_access import access_requests
from tests.running import RunningService, free_port, running, wait_until
from tests.web.access.keyed import STRANGER, give_key, take_key

pytestmark = pytest.mark.slow

MODELS = "/v2/models"
VERSIONS = "/v1/models/new/versions"
LET_IN, UNKNOWN, TOO_OFTEN = 200, 401, 429
ASKED = 200


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("running") / "keys.json"
    give_key(path, "admin", "admin")
    return path


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, keys_file: Path) -> Iterator[RunningService]:
    """Two workers without any model, with the most that they log."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "models").mkdir()
    settings = {"access": "keys", "keys_file": str(keys_file), "log_level": "DEBUG"}
    with running(folder / "models", folder / "state", **settings) as started:
        started.wait_ready()
        yield started


def ask(service: RunningService, key: str) -> int:
    """The status of an answer, on a connection of its own: either worker may take it."""
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(service.url + MODELS, headers=headers, timeout=30).status_code


def settles(service: RunningService, key: str, status: int) -> bool:
    return all(ask(service, key) == status for _ in range(16))


def test_a_key_comes_and_goes_while_workers_run(service: RunningService, keys_file: Path) -> None:
    key = give_key(keys_file, "guest", "predict")
    wait_until(lambda: settles(service, key, LET_IN), "the key is good in every worker", 20)

    take_key(keys_file, "guest")
    wait_until(lambda: settles(service, key, UNKNOWN), "it is good in none", 20)


def test_a_rate_is_exact_over_all_workers(service: RunningService, keys_file: Path) -> None:
    key = give_key(keys_file, "often", "predict", rate="60/h")
    later = give_key(keys_file, "later", "predict")
    wait_until(lambda: settles(service, later, LET_IN), "every worker has read the file", 20)

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: ask(service, key), range(ASKED)))

    assert set(statuses) == {LET_IN, TOO_OFTEN}
    # A worker that was held up with the lock lets another count on its own for once.
    assert 60 <= statuses.count(LET_IN) <= 62


@pytest.mark.parametrize("hostile", access_requests(), ids=lambda hostile: hostile.id)
def test_hostile_orders_are_refused(service: RunningService, hostile: Hostile) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 30) as line:
        for piece in hostile.stream():
            line.sendall(piece)
        answer = b""
        while more := line.recv(65536):
            answer += more

    first, _, rest = answer.partition(b"\r\n")
    assert int(first.split()[1]) in hostile.expect, answer
    assert b'{"error":' in rest
    assert b"\r\nserver:" not in answer.lower()


def test_an_upload_is_refused_before_its_body_is_sent(service: RunningService) -> None:
    sent = head(
        f"POST {VERSIONS} HTTP/1.1", ("Content-Length", "1000000000"),
        ("Authorization", f"Bearer {STRANGER}"),
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", service.port), 30) as line:
        line.sendall(sent)
        answer = line.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"www-authenticate: Bearer\r\n" in answer


def test_an_upload_counts_once(service: RunningService, keys_file: Path) -> None:
    key = give_key(keys_file, "uploads", "admin", rate="2/h")
    later = give_key(keys_file, "after-uploads", "predict")
    wait_until(lambda: settles(service, later, LET_IN), "every worker has read the file", 20)

    answers = [
        requests.post(service.url + VERSIONS, b"no model", headers={"X-API-Key": key}, timeout=30)
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [422, 422, TOO_OFTEN]


def test_the_log_holds_no_secret(service: RunningService, keys_file: Path) -> None:
    key = give_key(keys_file, "secret", "admin")
    for secret in (key, STRANGER):
        ask(service, secret)
        requests.get(f"{service.url}/v1/models?key={secret}", timeout=30)
        requests.get(f"{service.url}/{secret}", timeout=30)
        requests.get(service.url, headers={"Cookie": f"key={secret}"}, timeout=30)
        with socket.create_connection(("127.0.0.1", service.port), 30) as line:
            line.sendall(head("GET / HTTP/9.9", ("X-API-Key", secret)))
            line.sendall(post(f"/{secret} ", b"", ("Authorization", f"Bearer {secret}")))
            line.recv(65536)

    written = service.log.read_text()

    assert "keys read" in written
    assert key[-43:] not in written
    assert STRANGER[-43:] not in written


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    (folder / "models").mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KERASD_")}
    return subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "serve", str(folder / "models"),
         "--host", "0.0.0.0", "--port", str(free_port()), "--workers", "1",
         "--state-dir", str(folder / "state"), *words],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_everywhere_and_without_keys_it_does_not_start(tmp_path: Path) -> None:
    process = start(tmp_path)

    _, told = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "kerasd keys add" in told
    assert "--insecure" in told


def test_everywhere_and_insecure_it_starts_with_a_warning(tmp_path: Path) -> None:
    process = start(tmp_path, "--insecure")
    assert process.stderr is not None

    line = next(line for line in process.stderr if "access is open" in line)
    process.terminate()
    process.communicate(timeout=60)

    assert '"WARNING"' in line
    assert process.returncode == 0
