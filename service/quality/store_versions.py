"""The versions that feedback is about: one number for repository, model and version."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from service.quality.predicted import Kind, Shape, shape_of
from service.quality.store_tables import scored_versions
from service.quality.store_upsert import keep_first

UNKNOWN_SHAPE = Shape(Kind.NOTHING, 0)


@dataclass(frozen=True, slots=True)
class ScoredVersion:
    """A version as the database knows it; without a shape before its first feedback."""

    id: int
    model: str
    version: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class LockedVersion:
    """A version whose feedback nobody else changes until the transaction ends.

    Rows of predictions from before `kept_since` are gone, so that no label is taken for them.
    """

    id: int
    kept_since: int


class ScoredVersions:
    """What all parts of the store of one repository have in common."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def _known(self, connection: sa.Connection, model: str = "") -> dict[int, ScoredVersion]:
        """All versions, or those of one model, by the database's number."""
        query = sa.select(scored_versions).where(scored_versions.c.repository == self._repository)
        if model:
            query = query.where(scored_versions.c.model == model)
        query = query.order_by(scored_versions.c.model, scored_versions.c.version)
        return {
            record.id: ScoredVersion(
                record.id,
                record.model,
                record.version,
                shape_of(record.kind, record.width),
            )
            for record in connection.execute(query)
        }

    def _lock(
        self, connection: sa.Connection, model: str, shapes: Mapping[int, Shape | None]
    ) -> dict[int, LockedVersion]:
        """Lock these versions of a model; their shapes are noted where they are given.

        To be called once a transaction, and first: SQLite is then alone with the database, and
        PostgreSQL with these versions, taken in the order of their versions.
        """
        return {
            version: self._lock_one(connection, model, version, shapes[version])
            for version in sorted(shapes)
        }

    def _lock_one(
        self, connection: sa.Connection, model: str, version: int, shape: Shape | None
    ) -> LockedVersion:
        ours = {"repository": self._repository, "model": model, "version": version}
        known = shape or UNKNOWN_SHAPE
        answers = {"kind": int(known.kind), "width": known.width}
        lock = (
            sa.update(scored_versions)
            .where(*(scored_versions.c[name] == value for name, value in ours.items()))
            .values(answers if shape else {"width": scored_versions.c.width})
            .returning(scored_versions.c.id, scored_versions.c.kept_since)
        )
        found = connection.execute(lock).first()
        if found is None:
            self._insert(connection, [ours | answers])
            found = connection.execute(lock).one()
        return LockedVersion(*found)

    def _insert(self, connection: sa.Connection, rows: list[dict[str, object]]) -> None:
        """Give versions a number that have none yet; somebody else may do so at the same time."""
        keep_first(connection, scored_versions, rows)
