"""Waiting until every worker that lives has done what was decided.

A worker reports itself before its first look. So whoever decides something and then asks for the
workers either sees a worker that starts, or that worker has seen what was decided.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from service.base.errors import KerasdError
from service.base.http_errors import Conflict
from service.repository.policy import current_of, settle
from service.repository.route import Route
from service.repository.states import Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName, live_workers

TIMEOUT_S = 50.0  # below the 60 seconds after which clients commonly give up
PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is recorded of one model at one moment; `rows` are the settled `recorded` ones."""

    route: Route
    recorded: list[VersionRow]
    rows: list[VersionRow]
    workers: list[WorkerRecord]

    @property
    def current(self) -> int | None:
        """The version that answers requests without one."""
        return current_of(self.rows)

    def under(self, route: Route) -> Self:
        """The same with another route."""
        rows = settle(self.recorded, {route.model: route})
        return replace(self, route=route, rows=rows)

    def find(self, version: int | None) -> VersionRow | None:
        """One version."""
        return next((row for row in self.rows if row.version == version), None)


Judge = Callable[[Moment, float], str]
"""What is still waited for after so many seconds; empty when all is done."""


class Consent:
    """Looks at one model again and again, in the thread that calls."""

    def __init__(
        self,
        store: VersionStore,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pause = pause
        self._wall_clock = wall_clock

    def look(self, model: str) -> Moment:
        """How things stand now."""
        workers = live_workers(self._store, self._wall_clock(), model)
        route = self._store.route(model)
        recorded = self._store.rows(model)
        return Moment(route, recorded, settle(recorded, {model: route}), workers)

    def wait(
        self, model: str, judge: Judge, unfinished: Callable[[str], KerasdError], started: float
    ) -> Moment:
        """Return when nothing is waited for; raise what `unfinished` makes of it in the end."""
        while True:
            moment = self.look(model)
            waited_s = self._clock() - started
            waiting = judge(moment, waited_s)
            if not waiting:
                return moment
            if waited_s >= TIMEOUT_S:
                raise unfinished(f"not done after {TIMEOUT_S:g} seconds: {waiting}")
            self._pause(PAUSE_S)

    def now(self) -> float:
        """The time from which `wait` counts."""
        return self._clock()


def spoken(worker: WorkerRecord) -> str:
    """The worker's name for people."""
    return WorkerName.parse(worker.worker).spoken()


def loading_waits_for(moment: Moment, version: int, revision: int) -> str:
    """Which worker doesn't have a version loaded; empty when all have.

    Raises Conflict if the version can't be served any more, or not by one of them: what it failed
    before it read `revision` doesn't count, for it tries again then.
    """
    row = find_loadable(moment, version)
    for worker in moment.workers:
        if worker.seen.get(row.model, 0) < revision:  # it might be about to drop what it holds
            return f"{spoken(worker)} has not looked yet"
        held = worker.find(row)
        if held is not None and held.loading is Loading.LOADED:
            continue
        if held is None or held.loading is Loading.COLD:
            return f"{spoken(worker)} is loading version {version}"
        if held.loading is Loading.FAILED:
            raise Conflict(
                f"Version {version} of model '{row.model}' can't be loaded by {spoken(worker)}: "
                f"{held.reason}; the current version is {moment.current} as before"
            )
        return f"{spoken(worker)}: {held.reason}"
    return ""


def find_loadable(moment: Moment, version: int) -> VersionRow:
    """A version that workers can load as things stand. Raises Conflict if it isn't one."""
    model, row = moment.route.model, moment.find(version)
    if moment.route.is_unloaded:
        raise Conflict(f"Model '{model}' is unloaded; load it first")
    if row is None or row.state is not State.READY:
        raise Conflict(f"Version {version} of model '{model}' {standing(row)}; it can't be served")
    return row


def following_waits_for(moment: Moment, revision: int) -> str:
    """Which worker may still answer as before; empty when none does."""
    for worker in moment.workers:
        if worker.seen.get(moment.route.model, 0) < revision:
            return f"{spoken(worker)} has not followed yet"
    return ""


def standing(row: VersionRow | None) -> str:
    """How a version stands, as the end of a sentence."""
    if row is None:
        return "is not in the repository"
    reason = f": {row.reason}" if row.reason else ""
    return f"is {row.state.value}{reason}"
