"""The ASGI front: answers predictions on the event loop, hands everything else to Flask."""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import orjson
from a2wsgi import WSGIMiddleware

from service.base.http_errors import BodyTooLarge
from service.base.log import request_id
from service.web.access.access import SCOPE_KEY
from service.web.access.secret import one_by_name
from service.web.answers import REQUEST_ID, error_body, explain
from service.web.app import create_app
from service.web.arrivals import Look
from service.web.cors import answer_headers
from service.web.counted import HttpMetrics
from service.web.disconnect import Disconnect
from service.web.exchange import Call, Headers, Reply
from service.web.health import Health, live, ready
from service.web.jobs.feed import Feed, reader
from service.web.jobs.watched import EVENTS_ROUTE, last_event, watched_job
from service.web.jobs.watchers import Stream, Watchers, check_watcher
from service.web.paths import PredictPath, parse_predict_path
from service.web.process import WebProcess
from service.web.security_headers import EVERYWHERE
from service.web.spans import RequestSpan, begin_span, end_span
from service.web.turn import ENDLESS, Receive, Scope, Send
from service.web.waiting import WAIT_STEP_S

HEALTH = {"/livez": live, "/readyz": ready}


class ClientGone(Exception):
    """The client has left; there is nobody to answer."""


class Front:
    """One worker's ASGI application; the server tells it when to start and to end."""

    def __init__(self, process: WebProcess) -> None:
        settings = process.settings
        self._process = process
        self._plane = process.plane
        self._max_body = settings.max_body_bytes
        self._access = process.access
        cors = answer_headers(self._access.is_open) if settings.cors else []
        self._headers = [*EVERYWHERE, *cors]
        self._flask: Any = WSGIMiddleware(create_app(process), workers=settings.flask_threads)
        self._metrics = HttpMetrics()
        self._watchers = Watchers(Feed(reader(process.jobs)), settings.job_streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] == "http":
            method, path = scope["method"], scope["path"]
            if method == "POST":
                predict_path = parse_predict_path(path)
                if predict_path is not None:
                    await self._predict(predict_path, scope, receive, send)
                    return
            elif path in HEALTH and method in ("GET", "HEAD"):
                await self._health(HEALTH[path], scope, send)
                return
            elif method == "GET" and (watched := watched_job(scope)):
                await self._watch(watched, scope, receive, send)
                return
            await self._flask(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def is_ready(self) -> bool:
        """Whether this worker has loaded all that it is to answer for."""
        return self._process.reloader.readiness.is_ready

    def admit(self, scope: Scope) -> None:
        """Asked before the body of an upload is read. Raises what `Access.check` raises."""
        headers = one_by_name(scope["headers"])
        scope[SCOPE_KEY] = self._access.check(scope["method"], scope["path"], headers)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._process.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._metrics.flush()
        self._watchers.close()
        self._process.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _predict(self, path: PredictPath, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers: Headers = one_by_name(scope["headers"])
        extra = self._extra(headers)
        span = begin_span(self._process.tracer, "POST", path.route, scope["path"], headers)
        status = 200
        try:
            self._access.check_predict(path.model, headers)
            reply = await self._answer(path, headers, receive, span)
        except ClientGone:
            end_span(span, 0)
            return
        except Exception as error:
            status, text, named = explain(error)
            reply = Reply(error_body(text))
            extra.extend(named.items())
            if isinstance(error, BodyTooLarge):  # the rest of it may be unread
                extra.append(("Connection", "close"))
        await _send(send, status, reply, extra)
        self._metrics.observe(("POST", path.route, status), time.perf_counter() - started)
        end_span(span, status)

    async def _answer(
        self, path: PredictPath, headers: Headers, receive: Receive, span: RequestSpan | None
    ) -> Reply:
        body = await self._read(headers, receive)
        call = self._plane.open(path, headers)
        call.span = span
        look = self._process.arrivals.look_for(path.model, path.version, path.label)
        if look is not None:
            await self._wait(call, look)
        disconnect = Disconnect(receive)
        try:
            return await self._plane.answer_soon(call, body, disconnect)
        except asyncio.CancelledError:
            if disconnect.is_heard():
                raise ClientGone from None
            raise
        finally:
            disconnect.close()

    async def _wait(self, call: Call, look: Look) -> None:
        """Wait for a version that is being loaded; the request then meets whatever is there."""
        while self._process.arrivals.should_wait(look, call.deadline):
            await asyncio.sleep(WAIT_STEP_S)

    async def _watch(self, job: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream of events, which must not hold a thread; no page of another origin reads it."""
        started = time.perf_counter()
        headers: Headers = one_by_name(scope["headers"])
        extra = [*self._extra(headers)[:1], *EVERYWHERE]
        span = begin_span(self._process.tracer, "GET", EVENTS_ROUTE, scope["path"], headers)
        stream: Stream | None = None
        try:
            caller = self._access.check("GET", scope["path"], headers)
            check = partial(check_watcher, caller)
            stream = await self._watchers.open(job, last_event(scope), check)
            status = stream.status
        except Exception as error:
            status, text, named = explain(error)
            await _send(send, status, Reply(error_body(text)), [*extra, *named.items()])
        self._metrics.observe(("GET", EVENTS_ROUTE, status), time.perf_counter() - started)
        end_span(span, status)
        if stream is not None:
            scope[ENDLESS] = True
            await stream.run(receive, send, extra)

    async def _health(
        self, describe: Callable[[WebProcess], Health], scope: Scope, send: Send
    ) -> None:
        """Answered here, so that it is answered even if every thread is busy."""
        started = time.perf_counter()
        extra = self._extra(dict(scope["headers"]))
        status, record = describe(self._process)
        await _send(send, status, Reply(orjson.dumps(record)), extra)
        served = (scope["method"], scope["path"], status)
        self._metrics.observe(served, time.perf_counter() - started)

    def _extra(self, headers: Headers) -> list[tuple[str, str]]:
        """The headers of every answer; the request's id is known to the log from here on."""
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        identifier = self._process.request_ids.take(given)
        request_id.set(identifier)
        return [(REQUEST_ID, identifier), *self._headers]

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
        (_name_on_wire(name), value.encode("latin-1")) for name, value in (*headers, *reply.headers)
    ]
    listed.append((b"content-type", reply.content_type.encode()))
    listed.append((b"content-length", b"%d" % len(reply.content)))
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": reply.content})


@lru_cache(256)
def _name_on_wire(name: str) -> bytes:
    """A header's name; there are few of them."""
    return name.lower().encode()
