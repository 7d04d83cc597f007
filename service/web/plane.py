"""The one way from a call to its reply, for the ASGI front and for Flask alike."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from service.base.errors import (
    KerasdError,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    RequestInvalid,
)
from service.base.metrics import PREDICT_REJECTED
from service.base.settings import Settings
from service.runtime.pool import Pool, Slot
from service.web.exchange import Call, Headers, Reply
from service.web.paths import PredictPath
from service.web.protocols import TRANSLATORS
from service.web.served import ServedVersion
from service.web.v1.labels import check_label

BODIES = 4  # so many of the largest bodies may be under way in one worker
TIMEOUT_HEADER = b"x-request-timeout-ms"
REASONS: dict[type[KerasdError], str] = {Overloaded: "queue_full", ModelNotReady: "not_ready"}


class Plane:
    """Leases a version, has it answer, and words its errors as the protocol does."""

    def __init__(
        self, pool: Pool[ServedVersion], settings: Settings, runs: ThreadPoolExecutor
    ) -> None:
        self._pool = pool
        self._timeout_s = settings.predict_timeout_s
        self._held_bytes = 0
        self._most_held_bytes = BODIES * settings.max_body_bytes
        self.runs = runs

    def call(self, path: PredictPath, headers: Headers, body: bytes) -> Call:
        """A call with its deadline: the setting's, or the earlier one that the client asks for."""
        within_s = self._timeout_s
        asked = headers.get(TIMEOUT_HEADER)
        if asked is not None:
            within_s = min(within_s, _milliseconds(asked) / 1000)
        return Call(path, headers, body, time.monotonic() + within_s)

    def answer(self, call: Call) -> Reply:
        """The answer, in this thread."""
        with self._lease(call) as slot:
            return slot.served.answer(TRANSLATORS[call.path.verb], call)

    async def answer_soon(self, call: Call, is_gone: Callable[[], bool]) -> Reply:
        """The answer, without holding up the event loop."""
        with self._lease(call) as slot, self._holding(len(call.body)):
            translator = TRANSLATORS[call.path.verb]
            return await slot.served.answer_soon(translator, call, self.runs, is_gone)

    @contextmanager
    def _holding(self, size: int) -> Iterator[None]:
        """Count a body while it is here: few requests may be more than memory has room for."""
        if self._held_bytes and self._held_bytes + size > self._most_held_bytes:
            raise Overloaded("this worker, in bytes", self._held_bytes)
        self._held_bytes += size
        try:
            yield
        finally:
            self._held_bytes -= size

    @contextmanager
    def _lease(self, call: Call) -> Iterator[Slot[ServedVersion]]:
        path = call.path
        try:
            with self._pool.lease(path.model, path.version) as slot:
                if path.label:
                    check_label(slot.served.facts, path.label)
                timeout_ms = slot.served.facts.config.timeout_ms
                if timeout_ms is not None:
                    call.hasten(timeout_ms / 1000)
                yield slot
        except ModelNotFound as error:
            if path.verb == "infer":
                raise ModelNotFound(path.model, path.version, wording="v2") from error
            raise
        except (Overloaded, ModelNotReady) as error:
            PREDICT_REJECTED.labels(path.model, REASONS[type(error)]).inc()
            raise


def _milliseconds(text: bytes) -> float:
    if text.isdigit() and len(text) <= 9 and int(text) > 0:
        return int(text)
    raise RequestInvalid(
        "X-Request-Timeout-Ms: expected a whole number of milliseconds from 1 to 999999999, "
        f"got '{text[:20].decode('latin-1')}'"
    )
