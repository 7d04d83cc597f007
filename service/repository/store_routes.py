"""What operators have decided of each model, who decided it, and when which version answered last.

`change` is the one way to decide: who reads a route inside of it is alone with the model.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from service.repository.audit import TRAINED, AuditEntry
from service.repository.route import Canary, Route
from service.repository.store_tables import audit, routes, usage

LAST_ID = 2**63 - 1
ATTEMPTS = 3  # two may insert the first record of a model at once

Edit = Callable[[Route], Route]
MakeEntry = Callable[[Route, Route], AuditEntry]
Moves = dict[tuple[str, str], int]
"""How many, by model and by the action in the audit."""


class RouteStore:
    """The routes of one repository, the audit of their changes, and the use of versions."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def routes(self) -> dict[str, Route]:
        """Those of the models that something was ever decided of, by model."""
        query = sa.select(routes).where(self._is_ours(routes))
        with self._engine.connect() as connection:
            return {record.model: _route(record) for record in connection.execute(query)}

    def revisions(self) -> dict[str, int]:
        """The revision of each route: quicker to read than the routes."""
        query = sa.select(routes.c.model, routes.c.revision).where(self._is_ours(routes))
        with self._engine.connect() as connection:
            return {record.model: record.revision for record in connection.execute(query)}

    def route(self, model: str) -> Route:
        """That of one model; with every default where nothing was decided."""
        query = sa.select(routes).where(self._is_ours(routes), routes.c.model == model)
        with self._engine.connect() as connection:
            record = connection.execute(query).first()
        return Route(model) if record is None else _route(record)

    def change(self, model: str, edit: Edit, entry: MakeEntry | None = None) -> Route:
        """Replace a model's route by what `edit` makes of it, with one entry in the audit.

        Nothing happens meanwhile to that route, and nothing is written if `edit` raises. It may be
        called again, and what it sets as `revision` or `looked` doesn't count.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._change(model, edit, entry)
            except sa.exc.IntegrityError:  # another process recorded the first one meanwhile
                continue
        return self._change(model, edit, entry)

    def answer(self, read: Iterable[Route]) -> None:
        """Tell that the controller's look at the repository has read these routes."""
        looked = [{"read_model": route.model, "read": route.revision} for route in read]
        if not looked:
            return
        statement = (
            sa.update(routes)
            .where(self._is_ours(routes), routes.c.model == sa.bindparam("read_model"))
            .values(looked=sa.bindparam("read"))
        )
        with self._engine.begin() as connection:
            connection.execute(statement, looked)

    def audit(
        self, model: str = "", limit: int = 100, before: int = 0, after: int = 0
    ) -> list[AuditEntry]:
        """The latest changes, of one model or of all, with ids from `after` to `before`."""
        query = sa.select(audit).where(self._is_ours(audit)).order_by(audit.c.id.desc())
        if model:
            query = query.where(audit.c.model == model)
        if before:
            query = query.where(audit.c.id < before)
        if after:
            query = query.where(audit.c.id > after)
        with self._engine.connect() as connection:
            return [_entry(record) for record in connection.execute(query.limit(limit))]

    def last_move(self, model: str) -> AuditEntry | None:
        """The latest change by which another version of a model became current, or none."""
        before, now = _current_sides()
        query = (
            sa.select(audit)
            .where(self._is_ours(audit), audit.c.model == model)
            .where(now.is_not(None), now.is_distinct_from(before))
            .order_by(audit.c.id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            record = connection.execute(query).first()
        return None if record is None else _entry(record)

    def was_trained(self, model: str, version: int) -> bool:
        """Whether the audit says that a job has trained this version."""
        trained = (audit.c.action == TRAINED, audit.c.after["version"].as_string() == str(version))
        query = sa.select(audit.c.id).where(self._is_ours(audit), audit.c.model == model, *trained)
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def note(self, entry: AuditEntry) -> None:
        """Write down what was done without a change of the model's route."""
        with self._engine.begin() as connection:
            record = {"repository": self._repository, **_record(entry)}
            connection.execute(sa.insert(audit), record)

    def count_moves(self, after: int = 0, until: float | None = None) -> tuple[Moves, int]:
        """How often which model's pointer was moved by which action, in entries above `after`.

        With `until` it counts to the first entry that isn't older than that. The number is the last
        entry's id, or `after` if there is none. A model's first version takes nobody's place.
        """
        ours = [self._is_ours(audit), audit.c.id > after]
        if until is not None:
            first = sa.select(sa.func.min(audit.c.id)).where(*ours, audit.c.at >= until)
            ours.append(audit.c.id < sa.func.coalesce(first.scalar_subquery(), LAST_ID))
        before, now = _current_sides()
        is_move = sa.and_(before.is_not(None), now.is_distinct_from(before))
        counted = sa.func.sum(sa.case((is_move, 1), else_=0))
        query = (
            sa.select(audit.c.model, audit.c.action, counted, sa.func.max(audit.c.id))
            .where(*ours)
            .group_by(audit.c.model, audit.c.action)
        )
        with self._engine.connect() as connection:
            found = list(connection.execute(query))
        moves = {(model, action): count for model, action, count, _ in found if count}
        return moves, max((last for *_, last in found), default=after)

    def note_used(self, used: Mapping[tuple[str, int], float]) -> None:
        """Record when versions answered last, in seconds since 1970; the latest time stays."""
        if not used:
            return
        for _ in range(ATTEMPTS - 1):
            try:
                return self._note_used(used)
            except sa.exc.IntegrityError:
                continue
        self._note_used(used)

    def used(self) -> dict[tuple[str, int], float]:
        """When which version answered last, as far as it was recorded."""
        query = sa.select(usage).where(self._is_ours(usage))
        with self._engine.connect() as connection:
            records = connection.execute(query)
            return {(record.model, record.version): record.last_used for record in records}

    def _change(self, model: str, edit: Edit, entry: MakeEntry | None) -> Route:
        ours = sa.and_(self._is_ours(routes), routes.c.model == model)
        lock = sa.update(routes).where(ours).values(revision=routes.c.revision + 1)
        with self._engine.begin() as connection:
            # The update comes first: it takes the lock under which the route is read.
            if connection.execute(lock).rowcount == 0:
                before = Route(model)
                first = {"repository": self._repository, "model": model, "looked": 0}
                connection.execute(sa.insert(routes), {**first, **_plain(before), "revision": 1})
            else:
                found = _route(connection.execute(sa.select(routes).where(ours)).one())
                before = replace(found, revision=found.revision - 1)
            after = replace(
                edit(before), model=model, revision=before.revision + 1, looked=before.looked
            )
            connection.execute(sa.update(routes).where(ours).values(_plain(after)))
            if entry is not None:
                record = _record(entry(before, after))
                connection.execute(sa.insert(audit), {"repository": self._repository, **record})
        return after

    def _note_used(self, used: Mapping[tuple[str, int], float]) -> None:
        # In one order everywhere, so that no two wait for each other's rows.
        noted = [
            {"of_model": model, "of_version": version, "at": used[model, version]}
            for model, version in sorted(used)
        ]
        at = sa.bindparam("at", type_=sa.Float)
        later = (
            sa.update(usage)
            .where(
                self._is_ours(usage),
                usage.c.model == sa.bindparam("of_model"),
                usage.c.version == sa.bindparam("of_version"),
            )
            .values(last_used=sa.case((usage.c.last_used < at, at), else_=usage.c.last_used))
        )
        keys = sa.select(usage.c.model, usage.c.version).where(self._is_ours(usage))
        with self._engine.begin() as connection:
            connection.execute(later, noted)
            known = {(record.model, record.version) for record in connection.execute(keys)}
            first = [
                {
                    "repository": self._repository,
                    "model": model,
                    "version": version,
                    "last_used": used[model, version],
                }
                for model, version in sorted(used.keys() - known)
            ]
            if first:
                connection.execute(sa.insert(usage), first)

    def _is_ours(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.repository == self._repository


def _current_sides() -> tuple[sa.ColumnElement[str], sa.ColumnElement[str]]:
    """Which version was current before an entry of the audit, and after it."""
    return audit.c.before["current"].as_string(), audit.c.after["current"].as_string()


def _plain(route: Route) -> dict[str, Any]:
    """What `change` may write; `looked` is the controller's."""
    canary = route.canary
    return {
        "revision": route.revision,
        "is_unloaded": route.is_unloaded,
        "generation": route.generation,
        "current": route.current,
        "is_pinned": route.is_pinned,
        "previous": list(route.previous),
        "labels": dict(route.labels),
        "canary": canary and [canary.label, canary.percent, canary.header],
        "shadow": route.shadow,
        "preparing": [list(one) for one in route.preparing],
        "retired": list(route.retired),
    }


def _route(record: sa.Row[tuple[object, ...]]) -> Route:
    return Route(
        model=record.model,
        revision=record.revision,
        looked=record.looked,
        is_unloaded=record.is_unloaded,
        generation=record.generation,
        current=record.current,
        is_pinned=record.is_pinned,
        previous=tuple(record.previous),
        labels=record.labels,
        canary=Canary(*record.canary) if record.canary else None,
        shadow=record.shadow,
        preparing=tuple((version, worker) for version, worker in record.preparing),
        retired=tuple(record.retired),
    )


def _record(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "model": entry.model,
        "action": entry.action,
        "who": entry.who,
        "why": entry.why,
        "request_id": entry.request_id,
        "before": entry.before,
        "after": entry.after,
    }


def _entry(record: sa.Row[tuple[object, ...]]) -> AuditEntry:
    return AuditEntry(
        at=record.at,
        model=record.model,
        action=record.action,
        who=record.who,
        why=record.why,
        request_id=record.request_id,
        before=record.before,
        after=record.after,
        id=record.id,
    )
