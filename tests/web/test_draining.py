"""The end of a worker, over real sockets: what is asked is answered, who is silent is let go."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import uvicorn

from service.web.crowd import EdgeLimits
from service.web.draining import DrainingServer
from service.web.edge import Edge
from service.web.ending import Ending
from tests.descriptors import no_descriptors
from tests.running import wait_until
from tests.web.edge_server import LIMITS, OK, Client, Server, error, post, serving, status

LONG_S = 20.0
CLOSE = b"connection: close\r\n"
SLOW = replace(LIMITS, head_timeout_s=30.0, body_timeout_s=30.0, max_connections=64)


@contextmanager
def draining(
    limits: EdgeLimits = SLOW, is_everywhere: bool = True, beat: Callable[[], object] = bool
) -> Iterator[Server]:
    """A server that drains for long, unless it is told to hurry; as it is in the end. `beat` is
    how the master is told that it lives."""
    ending = Ending()
    if is_everywhere:
        ending.begin_everywhere()

    def make(config: uvicorn.Config, edge: Edge) -> uvicorn.Server:
        return DrainingServer(config, edge.crowd, ending, LONG_S, beat)

    with serving(limits, make=make) as server:
        try:
            yield server
        finally:
            server.app.let_go.set()
            ending.hurry()


def begin(server: Server) -> None:
    """Have it drain, and wait until all connections know it."""
    server.tell(signal.SIGTERM)
    server.pass_time(0.3)


def listens(server: Server) -> bool:
    try:
        Client(server.port).socket.close()
    except ConnectionRefusedError:
        return False
    return True


def test_new_connections_are_answered_and_told_that_it_is_their_last() -> None:
    with draining() as server:
        begin_with_nobody(server)
        for _ in range(3):
            answer = server.ask(post())
            assert status(answer) == 200
            assert CLOSE in answer


def begin_with_nobody(server: Server) -> None:
    server.tell(signal.SIGTERM)
    wait_until(lambda: server.edge.crowd.is_draining, "it drains", 10)


def test_an_idle_connection_stays_open_until_it_was_told() -> None:
    with draining() as server, server.open(post()) as client:
        assert client.read_answer()[0] == 200
        begin(server)
        client.send(post("/again"))
        answer = client.read_all()
    assert status(answer) == 200
    assert CLOSE in answer


def test_of_pipelined_requests_the_last_is_told_and_none_is_lost() -> None:
    with draining() as server:
        begin_with_nobody(server)
        answer = server.ask(b"".join(post(f"/{number}") for number in range(20)))
    assert answer.count(OK) == 20
    assert answer.count(CLOSE) == 1
    assert answer.rindex(OK) < answer.index(CLOSE)


def test_an_answer_before_a_request_that_has_begun_is_not_the_last() -> None:
    request = post("/second", b"hello")
    with draining() as server, server.open(post("/held") + request[:-3]) as client:
        wait_until(lambda: "/held" in server.app.asked, "the first is being answered", 10)
        begin(server)
        server.app.let_go.set()
        assert client.read_answer()[1]["path"] == "/held"
        client.send(request[-3:])
        answer = client.read_all()
    assert status(answer) == 200
    assert CLOSE in answer


def test_what_comes_behind_a_request_while_it_drains_is_answered_too() -> None:
    request = post("/second", b"hello")
    with draining() as server, server.open() as client:
        begin(server)
        client.send(post("/held"))
        wait_until(lambda: "/held" in server.app.asked, "the first is being answered", 10)
        client.send(request[:-3])
        server.pass_time(0.2)
        server.app.let_go.set()
        assert client.read_answer()[1]["path"] == "/held"
        client.send(request[-3:])
        answer = client.read_all()
    assert status(answer) == 200
    assert CLOSE in answer


def test_who_is_silent_sees_an_orderly_end() -> None:
    with draining() as server, server.open(post()) as idle, server.open() as silent:
        assert idle.read_answer()[0] == 200
        begin(server)
        server.tell(signal.SIGINT)
        assert idle.socket.recv(1) == b""  # a reset would raise
        idle.socket.sendall(post("/too-late"))
        assert silent.socket.recv(1) == b""
        wait_until(lambda: not listens(server), "nobody listens", 10)
    assert "/too-late" not in server.app.asked


def test_who_has_come_and_not_asked_yet_may_ask_after_the_last_call() -> None:
    patient = replace(SLOW, linger_s=3.0)
    with draining(patient) as server, server.open() as client:
        begin(server)
        server.tell(signal.SIGINT)
        wait_until(lambda: not listens(server), "nobody listens", 10)
        client.send(post("/late"))
        answer = client.read_all()
    assert status(answer) == 200
    assert CLOSE in answer


def test_who_reads_slowly_gets_all_of_the_answer() -> None:
    request = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
    with draining(replace(SLOW, linger_s=0.1)) as server:
        begin_with_nobody(server)
        with server.open(request) as client:
            server.pass_time(1.0)  # ten times the linger, and nothing read
            answer = client.read_all()
    assert len(answer) > 40_000_000


def test_a_body_that_takes_longer_than_the_end_is_answered_503() -> None:
    with draining(replace(SLOW, end_s=0.2)) as server, server.open(post("/", b"hello")[:-1]) as one:
        begin(server)
        server.tell(signal.SIGINT)
        answer = one.read_all()
    assert status(answer) == 503
    assert "being ended" in error(answer)
    assert b"retry-after: 1\r\n" in answer


def test_a_body_that_comes_in_time_is_taken() -> None:
    request = post("/whole", b"hello")
    with draining() as server, server.open(request[:-1]) as client:
        begin(server)
        server.tell(signal.SIGINT)
        wait_until(lambda: not listens(server), "nobody listens", 10)
        client.send(request[-1:])
        answer = client.read_all()
    assert status(answer) == 200


def test_a_body_that_begins_to_come_at_the_end_is_answered_503() -> None:
    patient = replace(SLOW, linger_s=3.0, end_s=0.5)
    with draining(patient) as server, server.open() as client:
        begin(server)
        server.tell(signal.SIGINT)
        wait_until(lambda: not listens(server), "nobody listens", 10)
        client.send(post("/", b"hello")[:-1])
        answer = client.read_all()
    assert status(answer) == 503
    assert "being ended" in error(answer)


def test_what_cannot_be_read_is_refused_after_the_last_answer_too() -> None:
    with draining() as server, server.open() as client:
        begin(server)
        client.send(post("/held"))
        wait_until(lambda: "/held" in server.app.asked, "the first is being answered", 10)
        client.send(b"\x00garbage\r\n\r\n")
        server.pass_time(0.2)
        server.tell(signal.SIGINT)
        wait_until(lambda: not listens(server), "nobody listens", 10)
        server.app.let_go.set()
        answers = client.read_all()
    assert status(answers) == 200
    assert b"HTTP/1.1 400 " in answers


def test_it_ends_in_order_without_a_descriptor_to_be_had() -> None:
    with draining() as server, server.open(post()) as idle, server.open(post("/held")) as held:
        assert idle.read_answer()[0] == 200
        wait_until(lambda: "/held" in server.app.asked, "it is being answered", 10)
        begin(server)
        with no_descriptors():
            server.tell(signal.SIGINT)
            assert idle.socket.recv(1) == b""
        server.app.let_go.set()
        assert status(held.read_all()) == 200


def test_a_clock_that_is_set_back_keeps_nothing_from_the_master(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beats: list[float] = []
    with draining(beat=lambda: beats.append(time.monotonic())) as server:
        wait_until(lambda: len(beats) > 0, "it says that it lives", 10)
        monkeypatch.setattr(time, "time", lambda: 0.0)
        before = len(beats)
        wait_until(lambda: len(beats) > before, "it says so again", 3)
        begin_with_nobody(server)
        draining_since = len(beats)
        wait_until(lambda: len(beats) > draining_since + 1, "and while it drains", 5)


def test_a_worker_that_ends_alone_leaves_new_connections_to_the_others() -> None:
    with draining(is_everywhere=False) as server, server.share() as other:
        begin_with_nobody(server)
        server.tell(signal.SIGQUIT)
        wait_until(lambda: not server.listens, "it has stopped to listen", 10)
        with server.open(b"hello"):
            other.settimeout(10)
            taken, _ = other.accept()
            with taken:
                assert taken.recv(5) == b"hello"


def test_only_a_second_ctrl_c_waits_for_nothing() -> None:
    with draining() as server, server.open(post("/held")):
        wait_until(lambda: "/held" in server.app.asked, "it is being answered", 10)
        for name in ("SIGTERM", "SIGTERM", "SIGQUIT", "SIGQUIT", "SIGINT"):
            server.tell(signal.Signals[name])
            assert not server.is_forced
        server.tell(signal.SIGINT)
        assert server.is_forced
