"""The end of a listening socket, and of an idle connection."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service.web.last_call import accept_rest, close_unless_asked, refuse_new
from tests.descriptors import no_descriptors
from tests.lacking import lacking


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as made:
        made.setblocking(False)
        yield made


def connect(listener: socket.socket, timeout: float = 10.0) -> socket.socket:
    host, port, *_ = listener.getsockname()
    return socket.create_connection((host, port), timeout)


def test_nobody_gets_in_and_everybody_who_is_in_is_taken(listener: socket.socket) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(listener)) for _ in range(5)]
        if not refuse_new(listener):
            lacking("this kernel has no filters for sockets")
        with pytest.raises(TimeoutError):
            connect(listener, 0.2)
        taken = [stack.enter_context(one) for one in accept_rest(listener)]
        for client in clients:  # what is established goes on
            client.sendall(b"hello")
        assert {one.getpeername() for one in taken} == {one.getsockname() for one in clients}
        for one in taken:
            one.settimeout(10)
            assert one.recv(5) == b"hello"
    assert list(accept_rest(listener)) == []


def test_an_idle_connection_is_half_closed(listener: socket.socket) -> None:
    with connect(listener) as client, next(accept_rest(listener)) as ours:
        assert close_unless_asked(ours.fileno())
        assert client.recv(1) == b""
        client.sendall(b"late")
        ours.settimeout(10)
        assert ours.recv(4) == b"late"


def test_it_is_half_closed_without_a_descriptor_to_be_had(listener: socket.socket) -> None:
    with connect(listener) as client, next(accept_rest(listener)) as ours:
        with no_descriptors():
            assert close_unless_asked(ours.fileno())
        assert client.recv(1) == b""


class Troubled(socket.socket):
    """A listening socket whose next connections meet these errors."""

    errors: list[int]

    def accept(self) -> tuple[socket.socket, Any]:
        if self.errors:
            number = self.errors.pop()
            raise OSError(number, os.strerror(number))
        return super().accept()


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM])
def test_one_that_has_gone_is_not_the_last(listener: socket.socket, number: int) -> None:
    with Troubled(fileno=listener.detach()) as troubled, connect(troubled):
        troubled.errors = [number, number]
        (taken,) = accept_rest(troubled)
        taken.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_room_the_rest_is_lost(listener: socket.socket, number: int) -> None:
    with Troubled(fileno=listener.detach()) as troubled, connect(troubled):
        troubled.errors = [number, number]
        assert list(accept_rest(troubled)) == []
        assert troubled.errors == [number]


def test_one_that_was_asked_is_left_as_it_is(listener: socket.socket) -> None:
    with connect(listener) as client, next(accept_rest(listener)) as ours:
        client.sendall(b"hello")
        ours.settimeout(10)
        assert ours.recv(1, socket.MSG_PEEK) == b"h"
        assert not close_unless_asked(ours.fileno())
        assert ours.recv(5) == b"hello"
        ours.sendall(b"answer")
        assert client.recv(6) == b"answer"


def test_one_that_its_client_has_closed_is_left_to_the_loop(listener: socket.socket) -> None:
    with connect(listener) as client, next(accept_rest(listener)) as ours:
        client.shutdown(socket.SHUT_WR)
        ours.settimeout(10)
        assert ours.recv(1) == b""
        assert not close_unless_asked(ours.fileno())
