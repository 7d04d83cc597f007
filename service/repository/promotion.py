"""Promote a version, roll back, name versions, share out the traffic, retire: in every worker.

A version that is to answer is loaded by every worker first; then the pointer moves for all of them
at once. A call returns when no worker answers as before.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.changes import Change, moved, trials_ended
from service.repository.consent import Moment
from service.repository.labels import check_droppable, check_settable, check_traffic
from service.repository.policy import labels_of, rollback_target
from service.repository.retirement import Sweep, Use, sweep, why_kept
from service.repository.route import Canary, Route
from service.repository.store import VersionStore
from service.repository.swap import Swaps
from service.repository.withdrawal import check_still_unused


@dataclass(frozen=True, slots=True)
class Promoted:
    """A pointer that was moved: every worker answers with `version` now, none with `before`."""

    model: str
    before: int | None
    version: int
    revision: int


class Promotions:
    """Calls of operators; each blocks its thread until it is done or given up.

    `tell` has every process look. Each raises ModelNotFound, Conflict when it isn't to be,
    SwapUnfinished.
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
        self._swaps = Swaps(store, tell, clock, pause, wall_clock)

    def promote(self, model: str, version: int, order: Order) -> Promoted:
        """Make a version the current one, and keep it so until it is released."""

        def decide(now: Moment) -> Route:
            labels = labels_of(now.rows, now.route)
            return replace(moved(now.route, now.current, version, labels), is_pinned=True)

        return _promoted(self._swaps.load_then_change(model, version, order, "promote", decide))

    def rollback(self, model: str, order: Order) -> Promoted:
        """Make the version current again that was so before; a second call goes further back."""
        found = self._swaps.look(model)
        version = _earlier(found)
        previous = found.route.previous

        def decide(now: Moment) -> Route:
            if (now.current, now.route.previous) != (found.current, previous):
                raise Conflict(
                    f"Model '{model}' was changed meanwhile, its current version is {now.current}; "
                    "nothing was rolled back"
                )
            return rolled_back(now, version)

        return _promoted(self._swaps.load_then_change(model, version, order, "rollback", decide))

    def release(self, model: str, order: Order) -> Change:
        """Have the version policy move the pointer again."""
        return self._swaps.change(
            model, order, "release", lambda now: replace(now.route, is_pinned=False)
        )

    def set_label(self, model: str, label: str, version: int, order: Order) -> Change:
        """Have a label stand for a version, which every worker loads before."""
        check_settable(label, self._swaps.find(model, version))

        def decide(now: Moment) -> Route:
            check_settable(label, now)
            return replace(now.route, labels={**now.route.labels, label: version})

        return self._swaps.load_then_change(model, version, order, "label", decide)

    def drop_label(self, model: str, label: str, order: Order) -> Change:
        """Have a label stand for nothing."""

        def decide(now: Moment) -> Route:
            check_droppable(label, now)
            left = {name: of for name, of in now.route.labels.items() if name != label}
            return replace(now.route, labels=left)

        return self._swaps.change(model, order, "unlabel", decide)

    def set_traffic(self, model: str, canary: Canary | None, shadow: str, order: Order) -> Change:
        """Share out the requests that name no version; without both all go to the current one."""

        def decide(now: Moment) -> Route:
            check_traffic(canary, shadow, now)
            return replace(now.route, canary=canary, shadow=shadow)

        return self._swaps.change(model, order, "traffic", decide)

    def retire(self, model: str, version: int, order: Order, use: Use | None = None) -> Change:
        """Have no worker serve a version, though its files stay.

        With `use` it may not have answered lately: then its files may be deleted afterwards.
        """
        self._swaps.find(model, version)

        def decide(now: Moment) -> Route:
            why = why_kept(now.rows, now.route, version)
            if why or (use is not None and (why := use.why_kept(version))):
                raise Conflict(f"Version {version} of model '{model}' has to stay: {why}")
            return replace(now.route, retired=tuple(sorted({*now.route.retired, version})))

        change = self._swaps.change(model, order, "retire", decide)
        if use is not None:
            check_still_unused(self._store, self._swaps, change, version, use, order)
        return change

    def restore(self, model: str, version: int, order: Order) -> Change:
        """Have a retired version be one like the others."""
        self._swaps.find(model, version)

        def decide(now: Moment) -> Route:
            if version not in now.route.retired:
                raise Conflict(f"Version {version} of model '{model}' is not retired")
            left = tuple(other for other in now.route.retired if other != version)
            return replace(now.route, retired=left)

        return self._swaps.change(model, order, "restore", decide)

    def sweep(self, model: str, keep: int, days: float, now: float) -> Sweep:
        """Which versions may be retired: none but what is old, unnamed, and unused for `days`."""
        moment = self._swaps.look(model)
        return sweep(moment.rows, moment.route, keep, self.use(model, days, now))

    def use(self, model: str, days: float, now: float) -> Use:
        """When the model's versions answered last, and for how many days that has them stay."""
        return Use.of_model(model, self._store.used(), days, now)


def rolled_back(now: Moment, version: int) -> Route:
    """The route with one of the versions before the current one in its place, and kept so."""
    previous = now.route.previous
    rest = previous[previous.index(version) + 1 :]
    route = trials_ended(now.route, now.current, version, labels_of(now.rows, now.route))
    return replace(route, current=version, is_pinned=True, previous=rest)


def _earlier(moment: Moment) -> int:
    """The latest of the versions before the current one that can be served."""
    target = rollback_target(moment.rows, moment.route)
    if target is None:
        before = ", ".join(map(str, moment.route.previous))
        why = (
            f"of those before it none is READY: {before}" if before else "there was none before it"
        )
        raise Conflict(
            f"Model '{moment.route.model}' has no earlier version to go back to: its current "
            f"version is {moment.current}, and {why}"
        )
    return target


def _promoted(change: Change) -> Promoted:
    after = change.after
    assert after.current is not None
    return Promoted(after.model, change.was, after.current, after.revision)
