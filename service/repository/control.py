"""Load, unload and reload a model in every worker, and answer only when it is done.

A call changes the model's route, then waits until each worker that lives reports that it follows.
Errors are worded as Triton words them.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from service.base.errors import KerasdError, RequestInvalid
from service.base.http_errors import Conflict
from service.base.names import is_model_name
from service.repository.advancing import advances, is_wanted, wanted_of
from service.repository.audit import Order
from service.repository.changes import Changes, advanced
from service.repository.consent import PAUSE_S, Consent, Moment, spoken
from service.repository.index import IndexEntry, make_index
from service.repository.policy import labels_of, settle, unloaded_models
from service.repository.route import Route
from service.repository.states import COMING, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import live_workers

logger = logging.getLogger(__name__)

DONE = {"load": "model loaded", "unload": "model unloaded", "reload": "model reloaded"}
LOOK_WAIT_S = 1.5  # the controller looks at the repository once a second, if there is one


class Control:
    """Calls of operators; each blocks its thread until it is done or given up.

    `tell` has every process look at once.
    """

    def __init__(
        self,
        store: VersionStore,
        tell: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pause = pause
        self._wall_clock = wall_clock
        self._changes = Changes(store, tell, wall_clock)
        self._consent = Consent(store, clock, pause, wall_clock)

    def load(self, model: str, order: Order) -> None:
        """Have every worker serve the model's files as they are now.

        Raises RequestInvalid if there is no such model, if it can't be loaded, or if it takes too
        long; then it is loaded as soon as it can be.
        """
        self._load(model, order, "load", _loaded)

    def reload(self, model: str, order: Order) -> None:
        """The same, and have everything of it loaded anew; what is loaded answers meanwhile."""
        self._load(model, order, "reload", _loaded_anew)

    def unload(self, model: str, order: Order) -> None:
        """Have no worker serve the model, now and after a restart, until it is loaded again.

        Raises RequestInvalid if there is no such model, or if a worker takes too long.
        """
        started = self._clock()
        if not self._store.rows(model):
            raise RequestInvalid(f"failed to unload '{model}', it is not in the model repository")
        change = self._changes.make(
            model, lambda route: replace(route, is_unloaded=True), "unload", order
        )
        revision = change.after.revision

        def waits_for(moment: Moment, _waited_s: float) -> str:
            if not moment.route.is_unloaded:
                raise RequestInvalid(f"failed to unload '{model}', it was loaded again meanwhile")
            return unload_waits_for(moment, revision)

        self._wait("unload", model, started, waits_for)

    def index(self) -> list[IndexEntry]:
        """How every version stands over all workers now."""
        workers = live_workers(self._store, self._wall_clock())
        routes = self._store.routes()
        return make_index(settle(self._store.rows(), routes), unloaded_models(routes), workers)

    def _load(self, model: str, order: Order, verb: str, edit: Callable[[Route], Route]) -> None:
        started = self._clock()
        if not is_model_name(model):
            raise _unknown(model)
        if not self._finds(model, started):
            if self._store.route(model).is_unloaded:  # it is served when its files are back
                self._changes.make(model, edit, verb, order)
            raise _unknown(model)
        revision = self._changes.make(model, edit, verb, order).after.revision

        def waits_for(moment: Moment, waited_s: float) -> str:
            nonlocal revision
            if moment.route.is_unloaded:
                raise RequestInvalid(f"failed to load '{model}', it was unloaded again meanwhile")
            waiting = load_waits_for(moment, revision, is_late=waited_s >= LOOK_WAIT_S)
            if not waiting and (moved := self._advance(moment, order)):
                revision, waiting = moved, "the current version changes"
            return waiting

        self._wait(verb, model, started, waits_for)

    def _finds(self, model: str, started: float) -> bool:
        """Whether there are files of the model, which the controller may meet just now."""
        while all(row.state is State.RETIRED for row in self._store.rows(model)):
            if self._clock() - started >= LOOK_WAIT_S:
                return False
            self._pause(PAUSE_S)
        return True

    def _advance(self, moment: Moment, order: Order) -> int:
        """Move the pointer to what was loaded, as the controller would at its next look.

        Returns the revision to be followed; 0 if there was nothing to do.
        """
        model = moment.route.model
        found = advances(moment.rows, {model: moment.route}, moment.workers)
        if not found:
            return 0
        edit = advanced(found[0], moment.route, labels_of(moment.rows, moment.route))
        try:
            return self._changes.make(model, edit, "advance", order).after.revision
        except Conflict:  # somebody else did, or decided otherwise
            return moment.route.revision

    def _wait(
        self, verb: str, model: str, started: float, waits_for: Callable[[Moment, float], str]
    ) -> None:
        def unfinished(waiting: str) -> KerasdError:
            return RequestInvalid(f"failed to {verb} '{model}', {waiting}")

        self._consent.wait(model, waits_for, unfinished, started)
        took_ms = round((self._clock() - started) * 1000)
        logger.info(DONE[verb], extra={"model": model, "took_ms": took_ms})


def unload_waits_for(moment: Moment, revision: int) -> str:
    """What an unload still waits for; empty when no worker serves the model."""
    for worker in moment.workers:
        if worker.seen.get(moment.route.model, 0) < revision:
            return f"{spoken(worker)} has not looked yet"
        if worker.is_serving(moment.route.model):
            return f"{spoken(worker)} still serves it"
    return ""


def load_waits_for(moment: Moment, revision: int, is_late: bool) -> str:
    """What a load still waits for; empty when every worker serves what there is.

    `is_late` when the controller had its time to look: there may be none. Raises RequestInvalid
    when the model can't be loaded.
    """
    if moment.route.looked < revision and not is_late:
        return "the controller has not looked yet"
    for row in moment.rows:
        is_next = is_wanted(row, moment.rows, moment.route)
        if is_next or (row.served and row.files_state in COMING):
            return f"version {row.version} is being compiled"
    wanted = wanted_of(moment.rows, moment.route)
    served = [row for row in moment.rows if row.served]
    if wanted is None:
        raise _unloadable(moment)
    for row in served:
        if row.version == wanted and row.files_state is State.FAILED:
            raise _failure(row.model, f"version {row.version}: {row.reason}")
    waiting = [
        _worker_waits_for(worker, row, revision, is_needed=row.current or row.version == wanted)
        for worker in moment.workers
        for row in served
    ]
    return next(filter(None, waiting), "")


def _worker_waits_for(worker: WorkerRecord, row: VersionRow, revision: int, is_needed: bool) -> str:
    if worker.seen.get(row.model, 0) < revision:
        return f"{spoken(worker)} has not looked yet"
    held = worker.find(row)
    if held is None:
        return f"{spoken(worker)} is loading it"
    if held.loading is Loading.FAILED and is_needed:
        raise _failure(row.model, f"version {row.version}: {held.reason}")
    is_done = held.loading is not Loading.RETRYING or not is_needed
    return "" if is_done else f"{spoken(worker)}: {held.reason}"


def _loaded(route: Route) -> Route:
    return replace(route, is_unloaded=False)


def _loaded_anew(route: Route) -> Route:
    return replace(route, is_unloaded=False, generation=route.generation + 1)


def _unknown(model: str) -> RequestInvalid:
    return RequestInvalid(f"failed to load '{model}', failed to poll from model repository")


def _unloadable(moment: Moment) -> RequestInvalid:
    model = moment.route.model
    failed = [row for row in moment.rows if row.state is State.FAILED]
    if failed:
        return _failure(model, f"version {failed[-1].version}: {failed[-1].reason}")
    return _failure(model, "failed to poll from model repository")


def _failure(model: str, why: str) -> RequestInvalid:
    return RequestInvalid(f"failed to load '{model}', {why}")
