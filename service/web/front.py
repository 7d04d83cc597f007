"""The ASGI front: answers predictions on the event loop, hands everything else to Flask."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from a2wsgi import WSGIMiddleware

from service.base.errors import BodyTooLarge, HeadTooLarge, RequestTooSlow
from service.base.log import request_id
from service.web.answers import JSON, REQUEST_ID, error_body, explain
from service.web.app import create_app
from service.web.cors import answer_headers
from service.web.counted import HttpMetrics
from service.web.exchange import Headers, Reply
from service.web.health import Health, live, ready
from service.web.inflate import inflate
from service.web.paths import PredictPath, parse_predict_path
from service.web.process import WebProcess
from service.web.v2.compression import compress

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WAIT_STEP_S = 0.01
LONG_REPLY_BYTES = 128 * 1024
HEALTH = {"/livez": live, "/readyz": ready}
CLOSING = (BodyTooLarge, HeadTooLarge, RequestTooSlow)  # the rest of the body stays unread


class ClientGone(Exception):
    """The client has left; there is nobody to answer."""


class Listener:
    """Tells whether a client has left while its request waits; asks only once it is asked."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task: asyncio.Task[MutableMapping[str, Any]] | None = None

    def is_gone(self) -> bool:
        """True once the client has left. The first call begins to listen."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._listen())
        return self._task.done()

    @property
    def has_left(self) -> bool:
        """True if the client was heard leaving."""
        return self._task is not None and self._task.done()

    def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()
        return message


class Front:
    """One worker's ASGI application; the server tells it when to start and to end."""

    def __init__(self, process: WebProcess) -> None:
        settings = process.settings
        self._process = process
        self._plane = process.plane
        self._max_body = settings.max_body_bytes
        self._cors = answer_headers() if settings.cors else ()
        self._flask: Any = WSGIMiddleware(create_app(process), workers=settings.flask_threads)
        self._metrics = HttpMetrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] == "http":
            if scope["method"] == "POST":
                path = parse_predict_path(scope["path"])
                if path is not None:
                    await self._predict(path, scope, receive, send)
                    return
            elif scope["path"] in HEALTH:  # answered even if every thread is busy
                await self._health(HEALTH[scope["path"]], send)
                return
            await self._flask(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._process.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._process.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _predict(self, path: PredictPath, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers: Headers = dict(scope["headers"])
        identifier = self._process.request_ids.take(
            headers.get(b"x-request-id", b"").decode("latin-1")
        )
        request_id.set(identifier)
        status, extra = 200, [(REQUEST_ID, identifier), *self._cors]
        try:
            reply = await self._answer(path, headers, receive)
        except ClientGone:
            return
        except Exception as error:
            status, text, named = explain(error)
            reply = Reply(error_body(text), JSON)
            extra.extend(named.items())
            if isinstance(error, CLOSING):
                extra.append(("Connection", "close"))
        await _send(send, status, reply, extra)
        self._metrics.observe(path.route, status, time.perf_counter() - started)

    async def _answer(self, path: PredictPath, headers: Headers, receive: Receive) -> Reply:
        body = await self._read(headers, receive)
        encoding = headers.get(b"content-encoding")
        if encoding is not None:  # a small body may inflate to a large one
            loop = asyncio.get_running_loop()
            runs = self._plane.runs
            body = await loop.run_in_executor(runs, inflate, body, encoding, self._max_body)
        call = self._plane.call(path, headers, body)
        ticket = self._process.look_for(path.model)
        if ticket is not None:
            await self._wait(path.model, ticket)
        listener = Listener(receive)
        try:
            reply = await self._plane.answer_soon(call, listener.is_gone)
        except asyncio.CancelledError:
            if listener.has_left:
                raise ClientGone from None
            raise
        finally:
            listener.close()
        return await self._compress(headers, reply) if path.verb == "infer" else reply

    async def _compress(self, headers: Headers, reply: Reply) -> Reply:
        if len(reply.content) < LONG_REPLY_BYTES:
            return compress(headers, reply)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._plane.runs, compress, headers, reply)

    async def _wait(self, model: str, ticket: int) -> None:
        """Wait for a version that is being loaded; the request then meets whatever is there."""
        started = time.monotonic()
        while self._process.should_wait(model, ticket, time.monotonic() - started):
            await asyncio.sleep(WAIT_STEP_S)

    async def _health(self, describe: Callable[[WebProcess], Health], send: Send) -> None:
        status, record = describe(self._process)
        await _send(send, status, Reply(orjson.dumps(record)), [])

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Raises BodyTooLarge before more than the limit is held."""
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_body:
            raise BodyTooLarge(self._max_body)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body:
                raise BodyTooLarge(self._max_body)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(send: Send, status: int, reply: Reply, headers: list[tuple[str, str]]) -> None:
    listed = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.content)).encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers),
    ]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": reply.content})
