"""Hostile requests against the whole service: each gets the right class of answer, nothing dies."""

import re
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import copytree

import pytest

from tests.attacks.requests import CLOSED, GOOD, MODEL, PREDICT, Hostile, head, post
from tests.attacks.requests_binary import binary_requests
from tests.attacks.requests_framing import framing_requests
from tests.attacks.requests_heads import head_requests
from tests.attacks.requests_json import json_requests
from tests.attacks.requests_paths import path_requests
from tests.running import RunningService, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FAMILIES = {
    "framing": framing_requests,
    "heads": head_requests,
    "json": json_requests,
    "paths": path_requests,
    "binary": binary_requests,
}
PATIENCE_S = 12.0
GOOD_WITHIN_S = 2.0
MAY_GROW = 128 * 1024**2  # two workers, each with a body of 64 MiB at times
MAY_CREEP = 8 * 1024**2
SLOW = 1000
SECRETS = (b"Traceback", b"site-packages", b"root:", b'File "', b"/service/web")
HEAD = re.compile(rb"HTTP/1\.1 .*?(?:content-length: (\d+)\r\n.*?)?\r\n\r\n", re.S | re.I)
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z -]*\r\n")


@pytest.fixture(scope="module")
def service(
    sample_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """One small model; heads and bodies may take two seconds."""
    folder = tmp_path_factory.mktemp("service")
    copytree(sample_repository / MODEL, folder / "repository" / MODEL)
    brief = {"head_timeout_s": "2", "body_timeout_s": "2"}
    with running(folder / "repository", folder / "state", **brief) as started:
        started.wait_ready()
        yield started


@pytest.mark.parametrize("family", FAMILIES)
def test_every_hostile_request_gets_its_class_of_answer(
    service: RunningService, family: str
) -> None:
    workers = service.workers()
    wrong = []
    for hostile in FAMILIES[family]():
        answer = _send(service.port, hostile)
        fault = _judge(hostile, answer)
        if fault or not _is_well(service.port):
            wrong.append((hostile.id, fault, answer[:300]))
    assert wrong == []
    assert service.workers() == workers


@pytest.mark.alone
def test_memory_stays_bounded_under_floods(service: RunningService) -> None:
    floods = [one for one in (*json_requests(), *head_requests()) if _is_flood(one)]
    grown = _growth(service, floods, rounds=2)
    assert grown < MAY_GROW


@pytest.mark.alone
def test_memory_stays_where_it_was_under_small_requests(service: RunningService) -> None:
    small = [one for one in (*framing_requests(), *head_requests()) if not _is_flood(one)]
    grown = _growth(service, small, rounds=10)
    assert grown < MAY_CREEP


@pytest.mark.alone
@pytest.mark.parametrize(
    "begun",
    [b"", b"POST / HTTP/1.1\r\nX-A: ", head(f"POST {PREDICT} HTTP/1.1", b"Content-Length: 99")],
    ids=["silent", "head", "body"],
)
def test_a_thousand_slow_clients_hold_up_nobody(service: RunningService, begun: bytes) -> None:
    with ExitStack() as stack:
        slow = []
        for _ in range(SLOW):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 5))
            client.sendall(begun)
            slow.append(client)
        until = time.monotonic() + 3.0  # longer than the deadlines: they are closed meanwhile
        waits = []
        while time.monotonic() < until:
            started = time.monotonic()
            assert _is_well(service.port)
            waits.append(time.monotonic() - started)
            for client in slow if begun else ():
                with suppress(OSError):
                    client.sendall(b"a")
    assert max(waits) < GOOD_WITHIN_S


def test_many_more_connections_than_there_is_room_for(
    service: RunningService, tmp_path: Path
) -> None:
    repository, state = service.state_dir.parent / "repository", tmp_path / "state"
    copytree(service.state_dir / "compiled", state / "compiled")
    few = {"max_connections": "50", "workers": "1"}
    with running(repository, state, **few) as small, ExitStack() as stack:
        small.wait_ready()
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", small.port), 5))
            assert _is_well(small.port)


def _send(port: int, hostile: Hostile) -> bytes:
    """Send it and read at the same time, until the answers are whole or the connection ends."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.setblocking(False)
        answer = bytearray()
        with suppress(OSError):
            _exchange(client, hostile, answer)
        if hostile.ends == "resets":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return bytes(answer)


def _exchange(client: socket.socket, hostile: Hostile, answer: bytearray) -> None:
    stream = hostile.stream()
    left = next(stream, None)
    ends = hostile.ends
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and _whole_answers(answer) < hostile.answers:
        if not left and ends == "resets":
            return
        if not left and ends == "closes":
            client.shutdown(socket.SHUT_WR)
            ends = "has closed"
        readable, writable, _ = select.select([client], [client] if left else [], [], 1.0)
        if readable:
            data = client.recv(1 << 18)
            if not data:
                return
            answer += data
        if writable and left:
            left = left[client.send(left) :] or next(stream, None)


def _whole_answers(answer: bytearray) -> int:
    """How many answers are here with all of their bodies."""
    whole, rest = 0, bytes(answer)
    while match := HEAD.match(rest):
        length = int(match[1]) if match[1] else 0
        if len(rest) < match.end() + length:
            break
        whole, rest = whole + 1, rest[match.end() + length :]
    return whole


def _judge(hostile: Hostile, answer: bytes) -> str:
    statuses = [int(found) for found in STATUS.findall(answer)]
    first = statuses[0] if statuses else CLOSED
    if first not in hostile.expect:
        return f"got {first}"
    if len(statuses) < hostile.answers and CLOSED not in hostile.expect:
        return f"got {len(statuses)} answers"
    if b"smuggled" in answer or b"X-Evil" in answer.partition(b"\r\n\r\n")[0]:
        return "it got through"
    leaked = [secret for secret in SECRETS if secret in answer]
    if leaked and first >= 400:
        return f"it tells {leaked}"
    is_json = b"application/json" in answer.lower()
    return "" if first in (CLOSED, 200) or is_json else "an error without JSON"


def _is_well(port: int) -> bool:
    good = Hostile("good", "control", (post(PREDICT, GOOD),))
    return _send(port, good).startswith(b"HTTP/1.1 200 ")


def _is_flood(hostile: Hostile) -> bool:
    return hostile.repeat > 1 or "depth" in hostile.id or "bomb" in hostile.id


def _growth(service: RunningService, requests: list[Hostile], rounds: int) -> int:
    """By how many bytes the workers grow, after one round that isn't counted."""
    for hostile in requests:
        _send(service.port, hostile)
    before = _resident(service)
    for _ in range(rounds):
        for hostile in requests:
            _send(service.port, hostile)
    return _resident(service) - before


def _resident(service: RunningService) -> int:
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in service.workers()]
    return sum(pages) * 4096
