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

from service.web.accepting import AT_ONCE, WAIT_S, Accepting
from service.web.shares import NOBODY, Share, Shares, lonely
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
    counts = [NOBODY] * 3
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
        assert counts == [MANY / 2, NOBODY, MANY / 2]


def test_who_has_fewer_and_takes_none_is_not_waited_for(
    listener: socket.socket, clients: ExitStack
) -> None:
    counts = [0, NOBODY]  # the first has stopped
    with Worker(listener, Share(counts, 1)).working() as busy:
        for _ in range(AT_ONCE + 5):
            connect(clients, listener)
        wait_until(lambda: taken(busy) == [AT_ONCE + 5], "all are taken", 100 * WAIT_S + 10)


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
        counts[0] = NOBODY
        wait_until(partial(has, 2, worker), "the other has died", 10)
        counts[0] = 0
        connect(clients, listener)
        wait_until(partial(has, 3, worker), "it is taken at once", 10)


def test_what_is_closed_counts_no_more(listener: socket.socket, clients: ExitStack) -> None:
    counts = [NOBODY]
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
    assert (first.fewer(), second.fewer()) == ([], [0])
    shares.leave(0)
    assert second.fewer() == []
    shares.leave(None)
    assert shares.of(None).fewer() == []
