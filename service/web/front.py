"""The ASGI front: answers predictions on the event loop, hands everything else to Flask."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from a2wsgi import WSGIMiddleware

from service.base.errors import BodyTooLarge
from service.base.log import request_id
from service.base.metrics import HTTP_DURATION
from service.web.answers import JSON, REQUEST_ID, error_body, explain
from service.web.app import create_app
from service.web.health import Health, live, ready
from service.web.paths import PREDICT_ROUTE, PredictPath, parse_predict_path
from service.web.process import WebProcess

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WAIT_STEP_S = 0.01
HEALTH = {"/livez": live, "/readyz": ready}


class ClientGone(Exception):
    """The client has left before its request was whole; there is nobody to answer."""


class Front:
    """One worker's ASGI application; the server tells it when to start and to end."""

    def __init__(self, process: WebProcess) -> None:
        settings = process.settings
        self._process = process
        self._pool = process.pool
        self._max_body = settings.max_body_bytes
        self._runs = ThreadPoolExecutor(settings.run_threads, "predict")
        self._flask: Any = WSGIMiddleware(create_app(process), workers=settings.flask_threads)
        self._durations: dict[int, Any] = {}

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
        self._runs.shutdown()
        self._process.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _predict(self, path: PredictPath, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        identifier = self._process.request_ids.take(given)
        request_id.set(identifier)
        extra: dict[str, str] = {}
        status = 200
        try:
            body = await self._read(headers, receive)
            content = await self._answer(path, body)
        except ClientGone:
            return
        except Exception as error:
            status, text, extra = explain(error)
            content = error_body(text)
            if isinstance(error, BodyTooLarge):
                extra["Connection"] = "close"  # the rest of the body stays unread
        await _send(send, status, content, {REQUEST_ID: identifier, **extra})
        self._duration(status).observe(time.perf_counter() - started)

    async def _answer(self, path: PredictPath, body: bytes) -> bytes:
        ticket = self._process.look_for(path.model)
        if ticket is not None:
            await self._wait(path.model, ticket)
        with self._pool.lease(path.model, path.version) as slot:
            if slot.served.is_quick(len(body)):
                return slot.served.answer(body)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._runs, slot.served.answer, body)

    async def _wait(self, model: str, ticket: int) -> None:
        """Wait for a version that is being loaded; the request then meets whatever is there."""
        started = time.monotonic()
        while self._process.should_wait(model, ticket, time.monotonic() - started):
            await asyncio.sleep(WAIT_STEP_S)

    async def _health(self, describe: Callable[[WebProcess], Health], send: Send) -> None:
        status, record = describe(self._process)
        await _send(send, status, orjson.dumps(record), {})

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
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

    def _duration(self, status: int) -> Any:
        child = self._durations.get(status)
        if child is None:
            child = HTTP_DURATION.labels("POST", PREDICT_ROUTE, str(status))
            self._durations[status] = child
        return child


async def _send(send: Send, status: int, content: bytes, headers: dict[str, str]) -> None:
    listed = [
        (b"content-type", JSON.encode()),
        (b"content-length", str(len(content)).encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": content})
