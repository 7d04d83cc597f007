"""Leads the pool's requests as the routes say, for the reloader's thread and for rung bells."""

import logging
from dataclasses import replace
from typing import Generic

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.repository.policy import settle
from service.repository.route import Route
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.runtime.directions import Directions
from service.runtime.pool import Pool
from service.runtime.slot import NOWHERE, Served
from service.web.outlook import Outlook, absent_of, directions_of, is_behind
from service.web.residents import Residents

logger = logging.getLogger(__name__)


class Guide(Generic[Served]):
    """`lead` belongs to the reloader's thread, `resync` to whoever meets the bell.

    They may overlap: where the pool already follows a later revision than the thread has read, the
    thread leaves the model alone until its next look.
    """

    def __init__(
        self,
        store: VersionStore,
        pool: Pool[Served],
        residents: Residents[Served],
        hasty: VersionStore | None = None,
    ) -> None:
        self._store = store
        self._hasty = hasty or store  # for who holds up all requests
        self._pool = pool
        self._residents = residents
        self._outlook = Outlook()
        self._routes: dict[str, Route] = {}
        self._led: set[str] = set()
        self._has_led = False
        self._is_reachable = True
        pool.resync = self.resync

    def read_routes(self) -> dict[str, Route]:
        """All routes, the very same ones as long as no revision is another.

        Where they are older than what the pool follows, their record is another.
        """
        known = {model: route.revision for model, route in self._routes.items()}
        if self._store.revisions() != known:
            self._routes = self._store.routes()
        routes = self._routes
        behind = {
            model: directions.revision
            for model in {*self._led, *routes}
            if (directions := self._pool.directions(model)) is not None
            and directions.revision > (routes.get(model) or Route(model)).revision
        }
        if behind:  # a bell may have been met meanwhile; then what is read now is no older
            routes = self._routes = self._store.routes()
        for model, revision in behind.items():
            if (routes.get(model) or Route(model)).revision < revision:
                self._pool.forget(model, revision)
        return routes

    def lead(self, outlook: Outlook) -> None:
        """Follow an outlook on all models, where it is another one than before."""
        before = self._outlook
        self._led |= outlook.models
        self._pool.expect({})  # from now on it is known what there isn't
        for model in sorted(self._led):
            rows, route = outlook.rows(model), outlook.route(model)
            directions = self._pool.directions(model) or NOWHERE
            is_same = rows == before.rows(model) and route == before.route(model)
            if not is_same or directions.revision != route.revision:
                self._show(model, rows, route)
        self._outlook = outlook
        self._has_led = True

    def show(self, model: str) -> None:
        """Tell the pool of one model anew: something of it was loaded, or couldn't be."""
        self._show(model, self._outlook.rows(model), self._outlook.route(model))

    def resync(self) -> None:
        """Follow the routes as they are now, with the rows that were read last."""
        outlook = self._outlook
        if not self._has_led:
            return  # the first look comes first
        try:
            changed = {
                model: self._hasty.route(model)
                for model, revision in self._hasty.revisions().items()
                if revision != outlook.route(model).revision
            }
            rows = {model: self._rows_for(outlook, route) for model, route in changed.items()}
        except sqlalchemy.exc.SQLAlchemyError as error:  # the thread looks again
            if self._is_reachable:
                logger.warning("routes not readable", extra={"why": database_words(error)})
            self._is_reachable = False
            return
        self._is_reachable = True
        for model, route in changed.items():
            self._show(model, settle(rows[model], {model: route}), route)

    def drop(self, outlook: Outlook) -> None:
        """Lend no more what is neither served nor stands in for what isn't loaded yet."""
        served = {(row.model, row.version) for row in outlook.served()}
        for slot in self._pool.slots():
            directions = self._pool.directions(slot.model) or NOWHERE
            is_ahead = directions.revision > outlook.route(slot.model).revision
            is_current = directions.current == slot.version
            if (slot.model, slot.version) not in served and not is_ahead and not is_current:
                fields = {"model": slot.model, "version": slot.version}
                logger.info("version unloaded", extra=fields)
                self._pool.remove(slot.model, slot.version)

    def _rows_for(self, outlook: Outlook, route: Route) -> list[VersionRow]:
        """What is recorded of a model: read anew, alone, where that is older than its route."""
        recorded = outlook.recorded.get(route.model, [])
        return self._hasty.rows(route.model) if is_behind(recorded, route) else recorded

    def _show(self, model: str, rows: list[VersionRow], route: Route) -> None:
        before = self._pool.directions(model) or NOWHERE
        if before.revision > route.revision:
            return
        absent = absent_of(rows, route, self._residents.why_absent)
        self._pool.expect({model: absent})
        new = directions_of(rows, route)
        if self._stands_in(model, before, new):
            new = replace(new, current=before.current)
        self._pool.direct({model: new})

    def _stands_in(self, model: str, before: Directions, new: Directions) -> bool:
        """Whether the version that was current goes on until the new one is loaded.

        Not where somebody has moved the pointer: then requests wait.
        """
        return (
            new.current is not None
            and new.current != before.current
            and new.revision == before.revision
            and self._pool.slot(model, new.current) is None
            and self._pool.slot(model, before.current) is not None
        )
