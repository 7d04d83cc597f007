"""The one way in which a route is changed by somebody: checked, written, recorded, told."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy.exc

from service.base.errors import DatabaseUnusable
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

    def make(self, model: str, edit: Edit, action: str, order: Order) -> Change:
        """Change a model's route and record who did; what `edit` raises leaves it as it is."""
        made: list[Change] = []

        def entry(before: Route, after: Route) -> AuditEntry:
            made[:] = [Change(before, after)]
            old, new = differences(before, after)
            who = (order.who, order.why, order.request_id)
            return AuditEntry(self._wall_clock(), model, action, *who, old, new)

        self._store.change(model, edit, entry)
        self._tell()
        _log(made[0], action, order)
        return made[0]

    def prepare(self, model: str, edit: Edit) -> Route:
        """Change what is loaded, and nothing of what answers; that isn't recorded."""
        route = self._store.change(model, edit)
        self._tell()
        return route


@contextmanager
def reporting_trouble() -> Iterator[None]:
    """Have an operator read that the database is locked, read-only or away, where it is."""
    try:
        yield
    except sqlalchemy.exc.OperationalError as error:
        logger.warning("a call can't use the database", extra={"why": str(error.orig)[:200]})
        raise DatabaseUnusable from error


def moved(route: Route, before: int | None, version: int) -> Route:
    """The route with another current version; the one before it is remembered."""
    gone = () if before in (None, version) else (before,)
    previous = (*gone, *route.previous)[:MAX_PREVIOUS]
    return replace(route, current=version, previous=previous)


def advanced(advance: Advance, found: Route) -> Edit:
    """The edit that moves the pointer; refused if the route isn't as it was found any more."""

    def edit(before: Route) -> Route:
        if replace(before, looked=0) != replace(found, looked=0):
            raise Conflict(f"The route of model '{before.model}' was changed meanwhile")
        return moved(before, advance.before, advance.version)

    return edit


def _log(change: Change, action: str, order: Order) -> None:
    before, after = change.before, change.after
    fields = {"model": after.model, "action": action, "who": order.who, "why": order.why}
    if before.current != after.current:
        moves = {"from": before.current, "to": after.current}
        logger.info("current version changed", extra={**fields, **moves})
    else:
        logger.info("model changed", extra=fields)
