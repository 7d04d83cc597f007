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
from service.runtime.pool import Pool, Slot
from service.web.exchange import Call, Headers, Reply
from service.web.paths import PredictPath
from service.web.protocols import TRANSLATORS
from service.web.served import ServedVersion
from service.web.v1.labels import check_label

TIMEOUT_HEADER = b"x-request-timeout-ms"
REASONS: dict[type[KerasdError], str] = {Overloaded: "queue_full", ModelNotReady: "not_ready"}


class Plane:
    """Leases a version, has it answer, and words its errors as the protocol does."""

    def __init__(self, pool: Pool[ServedVersion], timeout_s: float, runs: ThreadPoolExecutor):
        self._pool = pool
        self._timeout_s = timeout_s
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
        with self._lease(call) as slot:
            translator = TRANSLATORS[call.path.verb]
            return await slot.served.answer_soon(translator, call, self.runs, is_gone)

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
