"""Pipelined requests over real sockets: what came whole is answered in order, whatever follows."""

import logging
import re
import socket
from collections.abc import Iterator

import pytest

from tests.running import wait_until
from tests.web.edge_server import LIMITS, Client, Server, post, serving

ASKED = ["/large", "/one", "/two"]
LATE_S = 2 * LIMITS.head_timeout_s


@pytest.fixture
def server(caplog: pytest.LogCaptureFixture) -> Iterator[Server]:
    with serving() as started:
        yield started
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


def ask(server: Server, *paths: str) -> Client:
    """Requests of which the first one's answer is large and isn't read yet: the others wait."""
    client = server.open(b"".join(post(path) for path in paths))
    wait_until(lambda: server.app.asked == [paths[0]], "the first is answered", 10)
    server.pass_time(0.2)
    assert server.app.asked == [paths[0]]
    return client


def statuses(answers: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def test_a_client_that_closes_its_side_gets_all_answers(server: Server) -> None:
    with ask(server, *ASKED) as client:
        client.socket.shutdown(socket.SHUT_WR)
        server.pass_time(0.2)
        answers = client.read_all()
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"connection: close\r\n") == 1
    assert answers.index(b'"/one"') < answers.index(b"connection: close\r\n")
    assert server.app.asked == ASKED


@pytest.mark.parametrize(
    ("rest", "closes", "expected"),
    [
        (b"\x00\x01garbage\r\n\r\n", False, 400),
        (b"\x00\x01garbage\r\n\r\n", True, 400),
        (b"POST /late HTTP/1.1\r\nHost: x\r\n", False, 408),
        (b"POST /half HTTP/1.1\r\nHost: x\r\n", True, 400),
        (post("/", b"half")[:-1], True, 400),
    ],
)
def test_what_cannot_be_answered_is_refused_after_all_answers(
    server: Server, rest: bytes, closes: bool, expected: int
) -> None:
    with ask(server, *ASKED) as client:
        client.send(rest)
        if closes:
            client.socket.shutdown(socket.SHUT_WR)
        server.pass_time(LATE_S)
        answers = client.read_all()
    assert statuses(answers) == [200, 200, 200, expected]
    assert server.app.asked == ASKED
    assert server.refused == [expected]


def test_nobody_is_asked_to_go_on_before_all_answers(server: Server) -> None:
    with ask(server, *ASKED) as client:
        client.send(post("/", b"hello", b"Expect: 100-continue")[:-5])
        server.pass_time(0.2)
        client.send(b"hello")
        answers = b""
        while b"hello" not in answers:
            answers += client.socket.recv(1 << 20)
    assert statuses(answers) == [200, 200, 200, 200]


def test_behind_a_failure_nothing_is_begun(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with ask(server, "/large", "/fails", "/one") as client:
        answers = client.read_all()
    assert statuses(answers) == [200, 500]
    assert server.app.asked == ["/large", "/fails"]
    caplog.clear()  # the failure itself
