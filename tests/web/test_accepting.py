"""Connections go to the worker that has the fewest, or to another where that one can't."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
import uvloop

from service.web.accepting import Accepting
from service.web.shares import STANDS_BACK, Share, Shares, lonely
from tests.descriptors import no_descriptors
from tests.running import wait_until

MANY = 20


@dataclass
class Worker:
    """An event loop in a thread of its own that takes connections from a shared socket."""

    listener: socket.socket
    share: Share
    transports: list[asyncio.BaseTransport] = field(default_factory=list)

    @contextmanager
    def working(self) -> Iterator["Worker"]:
        begun = threading.Event()
        thread = threading.Thread(target=lambda: uvloop.run(self._work(begun)))
        thread.start()
        begun.wait(10)
        try:
            yield self
        finally:
            self.end()
            thread.join(10)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _work(self, begun: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.share.open()
        accepting = Accepting(self.listener, self.share, lambda: Line(self))
        begun.set()
        await self._ended.wait()
        accepting.close()
        accepting.close()  # again, nothing
        await accepting.settle()
        for transport in self.transports:
            transport.close()


class Line(asyncio.Protocol):
    """One connection of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._worker.transports.append(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._worker.share.go()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as made:
        yield made


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(clients: ExitStack, listener: socket.socket) -> socket.socket:
    client = socket.create_connection(listener.getsockname(), timeout=10)
    return clients.enter_context(client)


def taken(*workers: Worker) -> list[int]:
    return [len(worker.transports) for worker in workers]


def has(number: int, *workers: Worker) -> bool:
    return sum(taken(*workers)) == number


@pytest.mark.parametrize("is_burst", [True, False], ids=["at once", "one after the other"])
def test_each_has_as_many(listener: socket.socket, clients: ExitStack, is_burst: bool) -> None:
    counts = [STANDS_BACK] * 3
    shares = [Share(counts, 2), Share(counts, 0)]
    with (
        listener.dup() as other,
        Worker(listener, shares[0]).working() as first,
        Worker(other, shares[1]).working() as second,
    ):
        for number in range(1, MANY + 1):
            connect(clients, listener)
            if not is_burst:
                wait_until(partial(has, number, first, second), "it is taken", 10)
        wait_until(partial(has, MANY, first, second), "all are taken", 10)

        assert taken(first, second) == [MANY / 2, MANY / 2]
        assert counts == [MANY / 2, STANDS_BACK, MANY / 2]


def test_who_has_fewer_and_takes_none_is_not_waited_for(
    listener: socket.socket, clients: ExitStack
) -> None:
    counts = [0, STANDS_BACK, STANDS_BACK]  # the first has stopped
    with (
        listener.dup() as other,
        Worker(listener, Share(counts, 1)).working() as one,
        Worker(other, Share(counts, 2)).working() as another,
    ):
        for _ in range(MANY):
            connect(clients, listener)
        wait_until(partial(has, MANY, one, another), "all are taken", 10)
        assert taken(one, another) == [MANY / 2, MANY / 2]


def test_who_stands_back_takes_what_nobody_else_does(
    listener: socket.socket, clients: ExitStack
) -> None:
    counts = [STANDS_BACK] * 2
    ending, other = Share(counts, 0), Share(counts, 1)
    with listener.dup() as dup, Worker(listener, ending).working() as first:
        connect(clients, listener)
        wait_until(partial(has, 1, first), "it is alone", 10)
        ending.stand_back()
        with Worker(dup, other).working() as second:
            for number in range(1, 6):
                connect(clients, listener)
                wait_until(partial(has, 1 + number, first, second), "it is taken", 10)
            assert taken(first, second) == [1, 5]
        other.stand_back()
        connect(clients, listener)
        wait_until(partial(has, 2, first), "nobody else is there", 10)
    assert counts == [STANDS_BACK] * 2


def test_what_can_not_be_a_connection_counts_for_nothing(
    listener: socket.socket, clients: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_line: Line, _worker: Worker) -> None:
        raise MemoryError

    counts = [STANDS_BACK]
    with Worker(listener, Share(counts, 0)).working() as worker:
        with monkeypatch.context() as broken:
            broken.setattr(Line, "__init__", fail)
            assert connect(clients, listener).recv(1) == b"", "it is closed"
            wait_until(lambda: counts == [0], "it is forgotten", 10)
        connect(clients, listener)
        wait_until(partial(has, 1, worker), "the next one is taken", 10)


def test_only_so_many_are_waited_for(
    listener: socket.socket, clients: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each request on a connection of its own would cost a wait."""
    monkeypatch.setattr("service.web.accepting.WAITS", 1)
    monkeypatch.setattr("service.web.accepting.WAITS_PER_S", 0)
    monkeypatch.setattr("service.web.accepting.WAIT_S", 600)
    counts = [1, 0]
    with Worker(listener, Share(counts, 1)).working() as worker:
        connect(clients, listener)
        wait_until(partial(has, 1, worker), "nobody has fewer", 10)
        counts[0] = 0
        connect(clients, listener)
        threading.Event().wait(0.1)
        assert taken(worker) == [1]  # it is left to the other
        counts[0] = STANDS_BACK
        wait_until(partial(has, 2, worker), "the other has died", 10)
        counts[0] = 0
        connect(clients, listener)
        wait_until(partial(has, 3, worker), "it is taken at once", 10)


def test_what_is_closed_counts_no_more(listener: socket.socket, clients: ExitStack) -> None:
    counts = [STANDS_BACK]
    with Worker(listener, Share(counts, 0)).working():
        client = connect(clients, listener)
        wait_until(lambda: counts == [1], "it is counted", 10)
        client.close()
        wait_until(lambda: counts == [0], "it is forgotten", 10)


def test_one_that_is_closed_takes_none(listener: socket.socket, clients: ExitStack) -> None:
    with listener.dup() as other, Worker(other, lonely()).working() as worker:
        connect(clients, listener)
        wait_until(lambda: taken(worker) == [1], "it is taken", 10)
    connect(clients, listener)

    accepted, _ = listener.accept()
    accepted.close()
    assert taken(worker) == [1]


def test_without_room_for_files_connections_wait(
    listener: socket.socket, clients: ExitStack
) -> None:
    with Worker(listener, lonely()).working() as worker:
        waiting = clients.enter_context(socket.socket())
        with no_descriptors():
            waiting.connect(listener.getsockname())
            threading.Event().wait(0.1)
            assert taken(worker) == [0]
        wait_until(lambda: taken(worker) == [1], "it is taken", 10)


def test_slots_are_those_of_the_living() -> None:
    shares = Shares()
    assert shares.free([]) == 0
    assert shares.free([None, 0, 2]) == 1
    assert shares.free(range(1000)) is None
    first, second = shares.of(0), shares.of(1)
    first.open()
    second.open()
    second.come()
    assert (first.before(), second.before()) == (0, 1)
    first.stand_back()
    assert (first.before(), second.before()) == (1, 0)
    first.open()
    shares.leave(0)
    assert second.before() == 0
    shares.leave(None)
    assert shares.of(None).before() == 0
