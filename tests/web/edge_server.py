"""A real server on the loopback address with our edge, and clients that speak raw bytes to it."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from service.web.crowd import EdgeLimits
from service.web.edge import Edge, Uploads
from service.web.refusal import Headers
from service.web.turn import Message, Receive, Send
from tests.running import wait_until

LIMITS = EdgeLimits(
    max_connections=8, head_timeout_s=0.4, body_timeout_s=0.6, max_body_bytes=200_000,
    keep_alive_s=30.0, linger_s=0.3, sweep_s=0.05,
)  # fmt: skip
OK = b"HTTP/1.1 200 OK\r\n"


class Echo:
    """Says what it was asked; `/held` waits for the test, and some paths misbehave."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []
        self.left: list[str] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.append(scope["path"])
        body = (await receive())["body"]
        if scope["path"] == "/fails":
            raise ValueError("on purpose")
        if scope["path"] == "/silent":
            return
        if scope["path"] == "/held":
            await asyncio.to_thread(self.let_go.wait, 20)
        if scope["path"] == "/waits":
            self.left.append((await receive())["type"])
            return
        await _answer(scope, body, send)


async def _answer(scope: Message, body: bytes, send: Send) -> None:
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    said: dict[str, Any] = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "body": body.decode("latin-1") if len(body) < 1000 else len(body),
        "headers": [[part.decode("latin-1") for part in field] for field in scope["headers"]],
    }
    content = b"x" * 40_000_000 if scope["path"] == "/large" else json.dumps(said).encode()
    fields = [(b"content-type", b"application/json")]
    if scope["path"] == "/split":
        fields.append((b"x-evil", b"a\r\nx-more: b"))
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": content})


class Server:
    """The server's address, its application and its edge."""

    def __init__(
        self, listener: socket.socket, app: Any, edge: Edge, server: uvicorn.Server
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self.app, self.edge = app, edge
        self.refused: list[int] = []
        self._listener, self._server = listener, server

    def open(self, *pieces: bytes) -> "Client":
        """A new connection that has sent these bytes."""
        client = Client(self.port)
        for piece in pieces:
            client.send(piece)
        return client

    def ask(self, *pieces: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with self.open(*pieces) as client:
            return client.read_all()

    def stop(self) -> None:
        """Have it finish what it has begun."""
        self._server.should_exit = True

    def tell(self, number: int) -> None:
        """Have it act as at a signal."""
        self._server.handle_exit(number, None)

    def share(self) -> socket.socket:
        """Its listening socket, as another worker has it."""
        return self._listener.dup()

    @property
    def listens(self) -> bool:
        return self._listener.fileno() >= 0

    @property
    def is_forced(self) -> bool:
        return self._server.force_exit

    def pass_time(self, seconds: float) -> None:
        """Wait until the edge itself has seen so much time go by."""
        later = self.edge.crowd.now + seconds
        wait_until(lambda: self.edge.crowd.now > later, f"{seconds} s have passed", 20)

    def has(self, connections: int) -> bool:
        return len(self.edge.crowd.members) == connections


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send as much as is taken; what was answered before that is still to be read."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def read_all(self) -> bytes:
        parts = []
        while part := self._receive():
            parts.append(part)
        return b"".join(parts)

    def read_answer(self) -> tuple[int, Any]:
        """Status and JSON of one answer with a length."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self._receive()
            assert part, data
            data += part
        top, _, body = data.partition(b"\r\n\r\n")
        length = int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        return int(top.split()[1]), json.loads(body)

    def reset(self) -> None:
        """Leave without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(1 << 20)
        except ConnectionResetError:
            return b""


def usual(config: uvicorn.Config, _edge: Edge) -> uvicorn.Server:
    """uvicorn's own server."""
    return uvicorn.Server(config)


@contextmanager
def serving(
    limits: EdgeLimits = LIMITS,
    app: Any = None,
    uploads: Callable[[], Uploads] | None = None,
    headers: Callable[[], Headers] = tuple,
    make: Callable[[uvicorn.Config, Edge], uvicorn.Server] = usual,
) -> Iterator[Server]:
    """A server in a thread of its own, ended in the end; with an Echo if there is no `app`."""
    app = Echo() if app is None else app
    refused: list[int] = []
    edge = Edge(limits, refused.append, uploads, headers)
    config: Any = {"loop": "uvloop", "http": edge, "log_config": None, "ws": "none"}
    server = make(uvicorn.Config(app, lifespan="on", access_log=False, **config), edge)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started, "the server has started", 10)
            running = Server(listener, app, edge, server)
            running.refused = refused
            yield running
        finally:
            app.let_go.set()
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


def post(path: str = "/", body: bytes = b"", *fields: bytes) -> bytes:
    """A request that is as it should be, with headers more."""
    listed = b"".join(field + b"\r\n" for field in fields)
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (
        path.encode(), listed, len(body), body,
    )  # fmt: skip


def status(answer: bytes) -> int:
    """The status of the first answer."""
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split(maxsplit=2)[1])


def error(answer: bytes) -> str:
    """What the last answer says is wrong."""
    assert b"content-type: application/json\r\n" in answer
    text = json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]
    assert isinstance(text, str)
    return text
