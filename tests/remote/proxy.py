"""A bad network between a client and a server: connections that break, stall, drip, or lie."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from tests.running import free_port

PIECE = 16 * 1024
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 91\r\n\r\n"
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce rate</Message>    </Error>"
)
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 94\r\n\r\n"
    b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code>"
    b"<Message>No such</Message> </Error>"
)
HALF = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 48\r\n\r\n<?xml version='1.0'?><ListBucketResult><Contents"
)


class Weather(StrEnum):
    """What becomes of a connection."""

    FINE = "fine"
    REFUSE = "refuse"  # closed at once
    STALL = "stall"  # taken, and never answered
    BREAK = "break"  # reset in the middle of an answer's body
    CUT = "cut"  # closed there, as if that were the end
    BUSY = "busy"  # 503 SlowDown
    LIE = "lie"  # 200 with half a listing
    HANG = "hang"  # so many bytes of all answers together, then silence
    DENY = "deny"  # 403 InvalidAccessKeyId


SAID = {Weather.BUSY: BUSY, Weather.LIE: HALF, Weather.DENY: DENIED}


class Proxy:
    """Every connection has the weather of the moment at which it says something."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.weather = Weather.FINE
        self.breaks_after = 4 * PIECE  # bytes of an answer
        self.budget = 0  # of the weather that hangs
        self.every = 1  # so many connections one breaks
        self.met = self._answered = 0
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def change(self, weather: Weather) -> None:
        """From now on; connections that are open end."""
        self.weather, self.met = weather, 0
        for connection in list(self._open):
            _end(connection)

    def close(self) -> None:
        self.weather = Weather.REFUSE
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _end(connection)
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if self.weather is Weather.REFUSE:
                self.met += 1
                return
            first = client.recv(PIECE)
            if self.weather is Weather.STALL or self.weather in SAID:
                self._answer(client)
                return
            with socket.create_connection(self._target, timeout=30) as server:
                self._open.add(server)
                server.sendall(first)
                threading.Thread(target=_pump, args=(client, server), daemon=True).start()
                self._answers(server, client)
                self._open.discard(server)
        self._open.discard(client)

    def _answer(self, client: socket.socket) -> None:
        self.met += 1
        if self.weather is Weather.STALL:
            while client.recv(PIECE):
                pass
        else:
            client.sendall(SAID[self.weather])

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        sent = 0
        self._answered += 1
        is_bad = self._answered % self.every == 0 and self.weather in (Weather.BREAK, Weather.CUT)
        while piece := server.recv(PIECE):
            client.sendall(piece)
            sent += len(piece)
            self.budget -= len(piece)
            if self.weather is Weather.HANG and self.budget < 0:
                self.met += 1
                while client.recv(PIECE):
                    pass
                return
            if is_bad and sent >= self.breaks_after:
                self.met += 1
                if self.weather is Weather.BREAK:
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return


@contextmanager
def bad_network(port: int) -> Iterator[Proxy]:
    """A way to a port that is fine at first."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
