"""Load and unload a model in every worker, and answer only when it is done.

A call records a wish and its ticket, then waits until each worker that lives reports a look that
has read the ticket. A worker reports itself before its first look, so either the call sees the
worker or the worker sees the wish.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.base.errors import RequestInvalid
from service.base.names import is_model_name
from service.repository.index import IndexEntry, make_index
from service.repository.policy import unloaded_models, with_wishes
from service.repository.states import COMING, Loading, State, VersionRow, Wish, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName, live_workers

logger = logging.getLogger(__name__)

TIMEOUT_S = 50.0  # below the 60 seconds after which clients commonly give up
LOOK_WAIT_S = 1.5  # the controller looks at the repository once a second, if there is one
PAUSE_S = 0.03


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is recorded of one model at one moment."""

    model: str
    rows: list[VersionRow]
    wish: Wish
    workers: list[WorkerRecord]


Judge = Callable[[Moment, float], str]


class Control:
    """Calls of operators; each blocks its thread until it is done or given up."""

    def __init__(
        self,
        store: VersionStore,
        look_soon: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._look_soon = look_soon
        self._clock = clock
        self._pause = pause

    def load(self, model: str) -> None:
        """Have every worker serve the model's files as they are now.

        Raises RequestInvalid if there is no such model, if it can't be loaded, or if it takes too
        long; then it is loaded as soon as it can be.
        """
        started = self._clock()
        if not is_model_name(model):
            raise RequestInvalid(f"failed to load '{model}', failed to poll from model repository")
        self._find(model, started)
        ticket = self._wish(model, is_unloaded=False)

        def waits_for(moment: Moment, waited_s: float) -> str:
            if moment.wish.is_unloaded:
                raise RequestInvalid(f"failed to load '{model}', it was unloaded again meanwhile")
            return load_waits_for(moment, ticket, is_late=waited_s >= LOOK_WAIT_S)

        self._wait("load", model, started, waits_for)

    def unload(self, model: str) -> None:
        """Have no worker serve the model, now and after a restart, until it is loaded again.

        Raises RequestInvalid if there is no such model, or if a worker takes too long.
        """
        started = self._clock()
        if not self._rows(model):
            raise RequestInvalid(f"failed to unload '{model}', it is not in the model repository")
        ticket = self._wish(model, is_unloaded=True)

        def waits_for(moment: Moment, _waited_s: float) -> str:
            if not moment.wish.is_unloaded:
                raise RequestInvalid(f"failed to unload '{model}', it was loaded again meanwhile")
            return unload_waits_for(moment, ticket)

        self._wait("unload", model, started, waits_for)

    def index(self) -> list[IndexEntry]:
        """How every version stands over all workers now."""
        workers = live_workers(self._store, time.time())
        unloaded = unloaded_models(self._store.wishes())
        return make_index(with_wishes(self._store.rows(), unloaded), unloaded, workers)

    def _find(self, model: str, started: float) -> None:
        """Wait for a model whose files the controller may not have met yet."""
        while not any(row.state is not State.RETIRED for row in self._rows(model)):
            if self._clock() - started >= LOOK_WAIT_S:
                if model in self._store.wishes():  # it is served when its files are back
                    self._wish(model, is_unloaded=False)
                raise RequestInvalid(
                    f"failed to load '{model}', failed to poll from model repository"
                )
            self._pause(PAUSE_S)

    def _wish(self, model: str, is_unloaded: bool) -> int:
        ticket = self._store.wish(model, is_unloaded)
        self._look_soon()
        return ticket

    def _wait(self, verb: str, model: str, started: float, waits_for: Judge) -> None:
        while waiting := waits_for(self._look(model), self._clock() - started):
            if self._clock() - started >= TIMEOUT_S:
                raise RequestInvalid(
                    f"failed to {verb} '{model}', not done after {TIMEOUT_S:g} seconds: {waiting}"
                )
            self._pause(PAUSE_S)
        took_ms = round((self._clock() - started) * 1000)
        logger.info(f"model {verb}ed", extra={"model": model, "took_ms": took_ms})

    def _look(self, model: str) -> Moment:
        workers = live_workers(self._store, time.time())
        wish = self._store.wishes().get(model, Wish(model, False, 0))
        return Moment(model, self._rows(model), wish, workers)

    def _rows(self, model: str) -> list[VersionRow]:
        return [row for row in self._store.rows() if row.model == model]


def unload_waits_for(moment: Moment, ticket: int) -> str:
    """What an unload still waits for; empty when no worker serves the model."""
    for worker in moment.workers:
        name = WorkerName.parse(worker.worker).spoken()
        if worker.seen.get(moment.model, 0) < ticket:
            return f"{name} has not looked yet"
        if worker.is_serving(moment.model):
            return f"{name} still serves it"
    return ""


def load_waits_for(moment: Moment, ticket: int, is_late: bool) -> str:
    """What a load still waits for; empty when every worker serves what there is.

    `is_late` when the controller had its time to look: there may be none. Raises RequestInvalid
    when the model can't be loaded.
    """
    if moment.wish.looked < ticket and not is_late:
        return "the controller has not looked yet"
    row = next((row for row in moment.rows if row.served), None)
    first = 0 if row is None else row.version
    for other in moment.rows:
        if (other.version > first and other.state in COMING) or other.files_state in COMING:
            return f"version {other.version} is being compiled"
    if row is None:
        raise _unloadable(moment)
    if row.files_state is State.FAILED:
        raise _failure(moment.model, f"version {row.version}: {row.reason}")
    waiting = [_worker_waits_for(worker, row, ticket) for worker in moment.workers]
    return next(filter(None, waiting), "")


def _worker_waits_for(worker: WorkerRecord, row: VersionRow, ticket: int) -> str:
    name = WorkerName.parse(worker.worker).spoken()
    if worker.seen.get(row.model, 0) < ticket:
        return f"{name} has not looked yet"
    held = worker.find(row)
    if held is None:
        return f"{name} is loading it"
    if held.loading is Loading.FAILED:
        raise _failure(row.model, f"version {row.version}: {held.reason}")
    return "" if held.loading is Loading.LOADED else f"{name}: {held.reason}"


def _unloadable(moment: Moment) -> RequestInvalid:
    failed = [row for row in moment.rows if row.state is State.FAILED]
    if failed:
        return _failure(moment.model, f"version {failed[-1].version}: {failed[-1].reason}")
    return _failure(moment.model, "failed to poll from model repository")


def _failure(model: str, why: str) -> RequestInvalid:
    return RequestInvalid(f"failed to load '{model}', {why}")
