"""A decision about a model, carried through in every worker: load, then change, then follow."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from service.base.errors import ModelNotFound, SwapUnfinished
from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.changes import Change, Changes
from service.repository.consent import (
    Consent,
    Moment,
    find_loadable,
    following_waits_for,
    loading_waits_for,
)
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.repository.store_routes import Edit
from service.repository.workers import WorkerName, may_run

Decide = Callable[[Moment], Route]
"""The new route, out of how things stand under the one that it replaces."""


class Swaps:
    """Decisions that are made in a thread of this process; `tell` has every process look."""

    def __init__(
        self,
        store: VersionStore,
        tell: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.consent = Consent(store, clock, pause, wall_clock)
        self._me = str(WorkerName.of(os.getpid()))
        self._changes = Changes(store, tell, wall_clock)

    def look(self, model: str) -> Moment:
        """How a model stands. Raises ModelNotFound."""
        moment = self.consent.look(model)
        if all(is_gone(row) for row in moment.recorded):
            raise ModelNotFound(model, None, "status")
        return moment

    def find(self, model: str, version: int) -> Moment:
        """The same, for one version that has to be there."""
        moment = self.look(model)
        if all(is_gone(row) for row in moment.recorded if row.version == version):
            raise ModelNotFound(model, version, "status")
        return moment

    def change(
        self,
        model: str,
        order: Order,
        action: str,
        decide: Decide,
        beside: Mapping[str, Any] | None = None,
    ) -> Change:
        """Decide and have every worker follow. Raises what `decide` raises, or SwapUnfinished.

        `beside` is written down with the change.
        """
        started = self.consent.now()
        change = self._make(self.look(model), order, action, decide, beside)
        self._follow(change, started)
        return change

    def load_then_change(
        self, model: str, version: int, order: Order, action: str, decide: Decide
    ) -> Change:
        """The same, but every worker has the version loaded before anything changes."""
        started = self.consent.now()
        revision = self._prepare(self.find(model, version), version, order)
        try:
            moment = self._load(model, version, revision, started)
            change = self._make(
                moment, order, action, lambda now: without(decide(now), version, self._me)
            )
        except BaseException:
            self._changes.prepare(model, lambda route: without(route, version, self._me))
            raise
        self._follow(change, started)
        return change

    def _prepare(self, moment: Moment, version: int, order: Order) -> int:
        def prepared(now: Moment) -> Route:
            find_loadable(now, version)
            return replace(now.route, preparing=(*now.route.preparing, (version, self._me)))

        edit = checked(moment, order, prepared)
        return self._changes.prepare(moment.route.model, edit).revision

    def _load(self, model: str, version: int, revision: int, started: float) -> Moment:
        def unfinished(waiting: str) -> SwapUnfinished:
            return SwapUnfinished(
                f"Version {version} of model '{model}' is not loaded everywhere, {waiting}; "
                "nothing was changed"
            )

        return self.consent.wait(
            model,
            lambda moment, _: loading_waits_for(moment, version, revision),
            unfinished,
            started,
        )

    def _make(
        self,
        moment: Moment,
        order: Order,
        action: str,
        decide: Decide,
        beside: Mapping[str, Any] | None = None,
    ) -> Change:
        was: list[int | None] = []

        def noted(now: Moment) -> Route:
            was[:] = [now.current]
            return decide(now)

        edit = checked(moment, order, noted)
        change = self._changes.make(moment.route.model, edit, action, order, beside)
        return replace(change, was=was[0])

    def _follow(self, change: Change, started: float) -> None:
        """Return when no worker answers as before the change."""
        model, revision = change.after.model, change.after.revision

        def unfinished(waiting: str) -> SwapUnfinished:
            return SwapUnfinished(
                f"The change of model '{model}' is made, but some may still be answered as before "
                f"it, {waiting}"
            )

        self.consent.wait(
            model, lambda moment, _: following_waits_for(moment, revision), unfinished, started
        )


def checked(moment: Moment, order: Order, decide: Decide) -> Edit:
    """The decision as an edit: refused if another version is current than the order expects.

    What others prepared who don't live any more isn't kept.
    """

    def edit(before: Route) -> Route:
        now = moment.under(without_dead(before))
        if order.expected_current not in (None, now.current):
            current = "none" if now.current is None else f"version {now.current}"
            raise Conflict(
                f"The current version of model '{before.model}' is {current}, "
                f"expected version {order.expected_current}; nothing was changed"
            )
        return decide(now)

    return edit


def without(route: Route, version: int, who: str) -> Route:
    """The route with one preparation less; another of the same version may go on."""
    entries = list(route.preparing)
    if (version, who) in entries:
        entries.remove((version, who))
    return replace(route, preparing=tuple(entries))


def without_dead(route: Route) -> Route:
    """The route without what dead processes prepared."""
    kept = tuple(one for one in route.preparing if may_run(one[1]))
    return replace(route, preparing=kept)


def is_gone(row: VersionRow) -> bool:
    """Whether a recorded version has no files any more."""
    return row.state is State.RETIRED
