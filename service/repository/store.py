"""The table of versions: the controller writes it, the web workers read it."""

from datetime import UTC, datetime

import sqlalchemy as sa

from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow

metadata = sa.MetaData()

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("served", sa.Boolean, nullable=False),
    sa.Column("artefact", sa.String(64), nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)

scans = sa.Table(
    "scans",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
)


class VersionStore:
    """The versions of one repository; several repositories may share a database."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def rows(self) -> list[VersionRow]:
        """All versions, by model and number."""
        query = (
            sa.select(versions)
            .where(versions.c.repository == self._repository)
            .order_by(versions.c.model, versions.c.version)
        )
        with self._engine.connect() as connection:
            return [_row(record) for record in connection.execute(query)]

    def replace(self, rows: list[VersionRow]) -> None:
        """Make `rows` the whole truth, in one transaction."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(versions).where(versions.c.repository == self._repository))
            if rows:
                connection.execute(sa.insert(versions), [self._record(row, now) for row in rows])
            connection.execute(sa.delete(scans).where(scans.c.repository == self._repository))
            connection.execute(
                sa.insert(scans), {"repository": self._repository, "scanned_at": now}
            )

    def was_scanned(self) -> bool:
        """True once a controller has looked through the repository."""
        query = sa.select(scans.c.scanned_at).where(scans.c.repository == self._repository)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def _record(self, row: VersionRow, now: datetime) -> dict[str, object]:
        return {
            "repository": self._repository,
            "model": row.model,
            "version": row.version,
            "state": row.state.value,
            "reason": row.reason,
            "served": row.served,
            "artefact": row.artefact,
            "config": row.config.model_dump(mode="json", exclude_defaults=True),
            "updated_at": now,
        }


def _row(record: sa.Row[tuple[object, ...]]) -> VersionRow:
    return VersionRow(
        model=record.model,
        version=record.version,
        state=State(record.state),
        reason=record.reason,
        served=record.served,
        artefact=record.artefact,
        config=ModelConfig(**record.config),
    )
