"""The one way from a call to its reply, for the ASGI front and for Flask alike."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial

from service.base.errors import (
    LabelUnknown,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    RequestInvalid,
)
from service.base.http_errors import BodyTooLarge
from service.base.metrics import PREDICT_REJECTED
from service.repository.route import STABLE
from service.runtime.directions import Directions
from service.runtime.pool import Pool
from service.runtime.slot import Slot
from service.web.counted import Pending
from service.web.disconnect import Disconnect
from service.web.exchange import Call, Headers, Reply, Translator
from service.web.inflate import inflate
from service.web.paths import PredictPath, Verb
from service.web.served import ServedVersion
from service.web.shadow import Shadow
from service.web.traffic_counts import count_arms

BODIES = 4  # so many of the largest bodies may be under way in one worker
LONG_REPLY_BYTES = 128 * 1024
QUICK_INFLATE_BYTES = 4 * 1024  # a thousand times that at most
MAX_INFLATING = 64
TIMEOUT_HEADER = b"x-request-timeout-ms"
ENCODING_HEADER = b"content-encoding"
MEBIBYTE = 1024 * 1024


class Plane:
    """Leases a version, has it answer, and words its errors as the protocol does."""

    def __init__(
        self,
        pool: Pool[ServedVersion],
        translators: Mapping[Verb, Translator],
        threads: Executor,
        timeout_s: float,
        max_body_bytes: int,
        shadow: Shadow,
    ) -> None:
        self._pool = pool
        self._shadow = shadow
        self._arms = Pending(count_arms)
        self._translators = translators
        self._threads = threads
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._held_bytes = self._inflating = 0

    def open(self, path: PredictPath, headers: Headers) -> Call:
        """A call with its deadline: the setting's, or the earlier one that the client asks for."""
        within_s = self._timeout_s
        asked = headers.get(TIMEOUT_HEADER)
        if asked is not None:
            within_s = min(within_s, _milliseconds(asked) / 1000)
        return Call(path, headers, b"", time.monotonic() + within_s)

    def answer(self, call: Call, body: bytes) -> Reply:
        """The answer, in this thread."""
        translator = self._translators[call.path.verb]
        call.body = self._inflate(call, body)
        with self._lease(call, translator) as slot:
            reply = slot.served.answer(translator, call)
        return translator.finish(call, reply)

    async def answer_soon(self, call: Call, body: bytes, disconnect: Disconnect) -> Reply:
        """The answer, without holding up the event loop."""
        translator = self._translators[call.path.verb]
        loop = asyncio.get_running_loop()
        call.body = await self._inflate_soon(call, body)
        with self._lease(call, translator) as slot:
            size = len(call.body)
            self._hold(size, slot)
            try:
                reply = await slot.served.answer_soon(translator, call, self._threads, disconnect)
            finally:
                self._held_bytes -= size
        if len(reply.content) <= LONG_REPLY_BYTES:
            return translator.finish(call, reply)
        return await loop.run_in_executor(None, translator.finish, call, reply)

    def flush(self) -> None:
        """Add what is pending to the shared metrics."""
        self._arms.flush()

    async def _inflate_soon(self, call: Call, body: bytes) -> bytes:
        """In the loop's own threads where it may take long: those for runs may all be busy."""
        if ENCODING_HEADER not in call.headers or len(body) <= QUICK_INFLATE_BYTES:
            return self._inflate(call, body)
        if self._inflating >= MAX_INFLATING:
            raise Overloaded("bodies to be inflated", self._inflating)
        self._inflating += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, self._inflate, call, body)
        finally:
            self._inflating -= 1

    def _inflate(self, call: Call, body: bytes) -> bytes:
        encoding = call.headers.get(ENCODING_HEADER)
        return body if encoding is None else inflate(body, encoding, self._max_body_bytes)

    def _hold(self, size: int, slot: Slot[ServedVersion]) -> None:
        """Count a body while it is here: few requests may be more than memory has room for."""
        if self._held_bytes and self._held_bytes + size > BODIES * self._max_body_bytes:
            raise slot.served.refuse(Overloaded("this worker's memory, in bytes", self._held_bytes))
        self._held_bytes += size

    @contextmanager
    def _lease(self, call: Call, translator: Translator) -> Iterator[Slot[ServedVersion]]:
        path = call.path
        try:
            lease = self._pool.lease(path.model, path.version, path.label, call.picks)
            with lease as slot:
                _check(call, slot)
                slot.last_used = slot.last_held
                if call.split is not None:
                    arm = "canary" if slot.version == call.split.version else "current"
                    self._arms.add((slot.model, slot.version, arm))
                if lease.directions.shadow is not None:
                    self._copy(call, slot, lease.directions)
                yield slot
        except (ModelNotFound, LabelUnknown) as error:
            if path.label and translator.wording != "v2":
                raise  # worded already, and it names the version that the label stands for
            asked = path.version or path.label or None
            raise ModelNotFound(path.model, asked, translator.wording) from error
        except Overloaded:
            PREDICT_REJECTED.labels(path.model, "queue_full").inc()
            raise
        except ModelNotReady:
            if self._pool.knows(path.model):  # names that clients invent make no series
                PREDICT_REJECTED.labels(path.model, "not_ready").inc()
            raise

    def _copy(self, call: Call, slot: Slot[ServedVersion], directions: Directions) -> None:
        """Have the shadow see what the current version answers to those who ask for no other."""
        version = directions.shadow
        is_usual = call.path.label in ("", STABLE) and slot.version == directions.current
        if is_usual and version is not None and version != slot.version:
            call.copied = partial(self._shadow.offer, (slot.model, version))


def _check(call: Call, slot: Slot[ServedVersion]) -> None:
    """What `model.yaml` says of requests."""
    config = slot.served.facts.config
    if config.timeout_ms is not None:
        call.hasten(config.timeout_ms / 1000)
    if config.max_body_mb is not None and len(call.body) > config.max_body_mb * MEBIBYTE:
        raise slot.served.refuse(BodyTooLarge(int(config.max_body_mb * MEBIBYTE)))


def _milliseconds(text: bytes) -> float:
    if text.isdigit() and len(text) <= 9 and int(text) > 0:
        return int(text)
    raise RequestInvalid(
        "X-Request-Timeout-Ms: expected a whole number of milliseconds from 1 to 999999999, "
        f"got '{text[:20].decode('latin-1')}'"
    )
