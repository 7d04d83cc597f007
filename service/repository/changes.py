"""The one way in which a route is changed by somebody: checked, written, recorded, told."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.base.http_errors import Conflict
from service.repository.advancing import Advance
from service.repository.audit import AuditEntry, Order, differences
from service.repository.route import Route
from service.repository.store import VersionStore
from service.repository.store_routes import Edit

logger = logging.getLogger(__name__)

MAX_PREVIOUS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """One that was made; `was` is the version that answered before it."""

    before: Route
    after: Route
    was: int | None = None


class Changes:
    """Makes them; `tell` has every process of this host look at once."""

    def __init__(
        self,
        store: VersionStore,
        tell: Callable[[], object],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tell = tell
        self._wall_clock = wall_clock

    def make(
        self,
        model: str,
        edit: Edit,
        action: str,
        order: Order,
        beside: Mapping[str, Any] | None = None,
    ) -> Change:
        """Change a model's route and record who did; what `edit` raises leaves it as it is.

        `beside` is recorded of how things were before, with what differs of the route.
        """
        made: list[Change] = []

        def entry(before: Route, after: Route) -> AuditEntry:
            made[:] = [Change(before, after)]
            old, new = differences(before, after)
            who = (order.who, order.why, order.request_id)
            was = {**old, **(beside or {})}
            return AuditEntry(self._wall_clock(), model, action, *who, was, new)

        self._store.change(model, edit, entry)
        self._tell()
        _log(made[0], action, order)
        return made[0]

    def prepare(self, model: str, edit: Edit) -> Route:
        """Change what is loaded, and nothing of what answers; that isn't recorded."""
        route = self._store.change(model, edit)
        self._tell()
        return route


def moved(route: Route, before: int | None, version: int, labels: Mapping[str, int]) -> Route:
    """The route with another current version; the one before it is remembered."""
    gone = () if before in (None, version) else (before,)
    previous = (*gone, *route.previous)[:MAX_PREVIOUS]
    return replace(trials_ended(route, before, version, labels), current=version, previous=previous)


def trials_ended(
    route: Route, before: int | None, version: int, labels: Mapping[str, int]
) -> Route:
    """The route without a canary or a shadow that one of the two versions is.

    What becomes current is on trial no more, and what is left behind isn't again; kept, they would
    come back to life with a later move. `labels` tell what each stands for.
    """
    over = {name for name, of in labels.items() if of in (before, version)}
    canary = None if route.canary is not None and route.canary.label in over else route.canary
    return replace(route, canary=canary, shadow="" if route.shadow in over else route.shadow)


def advanced(advance: Advance, found: Route, labels: Mapping[str, int]) -> Edit:
    """The edit that moves the pointer; refused if the route isn't as it was found any more."""

    def edit(before: Route) -> Route:
        if replace(before, looked=0) != replace(found, looked=0):
            raise Conflict(f"The route of model '{before.model}' was changed meanwhile")
        return moved(before, advance.before, advance.version, labels)

    return edit


def _log(change: Change, action: str, order: Order) -> None:
    before, after = change.before, change.after
    fields = {"model": after.model, "action": action, "who": order.who, "why": order.why}
    if before.current != after.current:
        moves = {"from": before.current, "to": after.current}
        logger.info("current version changed", extra={**fields, **moves})
    else:
        logger.info("model changed", extra=fields)
