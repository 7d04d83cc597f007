"""Moves the pointers of models to their new versions, once every worker has them loaded."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from service.base.http_errors import Conflict
from service.repository.advancing import Advance, advances, cold_successors
from service.repository.audit import CONTROLLER, Order
from service.repository.changes import Changes, advanced
from service.repository.policy import by_model, labels_of, settle
from service.repository.route import Route
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.repository.workers import WorkerName, live_workers, may_run

logger = logging.getLogger(__name__)

# No promotion takes as long. One whose last word was lost may seem to, and one by a process of
# another machine, which may have died, is waited for so long.
LONGEST_S = 120.0


class Pointers:
    """What nobody has to order; where an operator was quicker, the next step looks again."""

    def __init__(
        self,
        store: VersionStore,
        tell: Callable[[], object],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._wall_clock = wall_clock
        self._changes = Changes(store, tell, wall_clock)
        self._me = str(WorkerName.of(os.getpid()))
        self._since: dict[tuple[str, int, str], float] = {}
        self.kept: frozenset[tuple[str, int]] = frozenset()  # prepared here, but by others

    def step(self, recorded: list[VersionRow], routes: Mapping[str, Route], now: float) -> None:
        """Move what can be moved; the workers are asked only if there may be something to do."""
        rows = settle(recorded, routes)
        self._note_preparing(routes, now)
        possible = advances(rows, routes, [])
        if not possible and not any(route.preparing for route in routes.values()):
            return
        workers = live_workers(self._store, self._wall_clock())
        for advance in advances(rows, routes, workers):
            model = advance.model
            route = routes.get(model) or Route(model)
            self._move(advance, route, labels_of(by_model(rows)[model], route))
        for model, version in cold_successors(rows, routes, workers):
            if (version, self._me) not in (routes.get(model) or Route(model)).preparing:
                self._have_loaded(model, version)
        successors = {(advance.model, advance.version) for advance in possible} | self.kept

        def is_kept(model: str, version: int, who: str) -> bool:
            if who == self._me:
                return (model, version) in successors
            return may_run(who) and now - self._since[model, version, who] < LONGEST_S

        self._tidy(routes, is_kept)

    def _note_preparing(self, routes: Mapping[str, Route], now: float) -> None:
        """Remember since when each preparation is there."""
        there = [(model, *one) for model, route in routes.items() for one in route.preparing]
        self._since = {key: self._since.get(key, now) for key in there}

    def _move(self, advance: Advance, found: Route, labels: Mapping[str, int]) -> None:
        order = Order(CONTROLLER, advance.why)
        try:
            self._changes.make(advance.model, advanced(advance, found, labels), "advance", order)
        except Conflict:
            logger.debug("the route was changed meanwhile", extra={"model": advance.model})

    def _have_loaded(self, model: str, version: int) -> None:
        entry = (version, self._me)
        self._changes.prepare(
            model, lambda route: replace(route, preparing=(*route.preparing, entry))
        )

    def _tidy(self, routes: Mapping[str, Route], is_kept: Callable[[str, int, str], bool]) -> None:
        """Drop what was prepared by processes that have ended, and by this one for nothing."""
        for model, route in routes.items():
            stale = [one for one in route.preparing if not is_kept(model, *one)]
            if stale:
                self._changes.prepare(model, _without(stale))


def _without(stale: list[tuple[int, str]]) -> Callable[[Route], Route]:
    def edit(route: Route) -> Route:
        left = tuple(one for one in route.preparing if one not in stale)
        return replace(route, preparing=left)

    return edit
