"""What the processes of one repository tell each other: versions, wishes, workers."""

from datetime import UTC, datetime

import sqlalchemy as sa

from service.repository.model_config import ModelConfig
from service.repository.states import Held, Loading, State, VersionRow, Wish, WorkerRecord

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
    sa.Column("files_state", sa.String(16), nullable=True),
)

scans = sa.Table(
    "scans",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
)

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("is_unloaded", sa.Boolean, nullable=False),
    sa.Column("ticket", sa.BigInteger, nullable=False),
    sa.Column("looked", sa.BigInteger, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("beat", sa.Float, nullable=False),
    sa.Column("held", sa.JSON, nullable=False),
    sa.Column("seen", sa.JSON, nullable=False),
)

WISH_ATTEMPTS = 3


class VersionStore:
    """The records of one repository; several repositories may share a database.

    The controller writes versions, the workers read them; operators' wishes go the way through a
    worker, and each worker reports what it holds.
    """

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def rows(self) -> list[VersionRow]:
        """All versions, by model and number."""
        query = (
            sa.select(versions)
            .where(self._is_ours(versions))
            .order_by(versions.c.model, versions.c.version)
        )
        with self._engine.connect() as connection:
            return [_row(record) for record in connection.execute(query)]

    def replace(self, rows: list[VersionRow]) -> None:
        """Make `rows` the whole truth, in one transaction."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(versions).where(self._is_ours(versions)))
            if rows:
                connection.execute(sa.insert(versions), [self._record(row, now) for row in rows])
            connection.execute(sa.delete(scans).where(self._is_ours(scans)))
            connection.execute(
                sa.insert(scans), {"repository": self._repository, "scanned_at": now}
            )

    def was_scanned(self) -> bool:
        """True once a controller has looked through the repository."""
        query = sa.select(scans.c.scanned_at).where(self._is_ours(scans))
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def wishes(self) -> dict[str, Wish]:
        """What operators want, by model; lasts over restarts, until it is wished otherwise."""
        query = sa.select(wishes).where(self._is_ours(wishes))
        with self._engine.connect() as connection:
            return {
                record.model: Wish(record.model, record.is_unloaded, record.ticket, record.looked)
                for record in connection.execute(query)
            }

    def wish(self, model: str, is_unloaded: bool) -> int:
        """Record a wish; its ticket is higher than any before it for this model."""
        for _ in range(WISH_ATTEMPTS - 1):
            try:
                return self._wish(model, is_unloaded)
            except sa.exc.IntegrityError:  # another worker recorded the first one meanwhile
                continue
        return self._wish(model, is_unloaded)

    def answer(self, looked: list[Wish]) -> None:
        """Tell that the controller's look at the repository has read these wishes."""
        with self._engine.begin() as connection:
            for wish in looked:
                connection.execute(
                    sa.update(wishes)
                    .where(self._is_ours(wishes), wishes.c.model == wish.model)
                    .values(looked=wish.ticket)
                )

    def report(self, record: WorkerRecord) -> None:
        """Replace what is recorded of a worker."""
        values = {
            "repository": self._repository,
            "worker": record.worker,
            "beat": record.beat,
            "held": [_plain(held) for held in record.held],
            "seen": record.seen,
        }
        with self._engine.begin() as connection:
            connection.execute(self._without(record.worker))
            connection.execute(sa.insert(workers), values)

    def workers(self) -> list[WorkerRecord]:
        """Every worker that has reported, whether it lives or not."""
        query = sa.select(workers).where(self._is_ours(workers)).order_by(workers.c.worker)
        with self._engine.connect() as connection:
            return [_worker(record) for record in connection.execute(query)]

    def forget(self, worker: str) -> None:
        """Drop what is recorded of a worker."""
        with self._engine.begin() as connection:
            connection.execute(self._without(worker))

    def _wish(self, model: str, is_unloaded: bool) -> int:
        ours = sa.and_(self._is_ours(wishes), wishes.c.model == model)
        change = {"is_unloaded": is_unloaded, "ticket": wishes.c.ticket + 1}
        first = {"repository": self._repository, "model": model, "ticket": 1, "looked": 0}
        with self._engine.begin() as connection:
            # The update comes first: it takes the lock under which the ticket is read again.
            if connection.execute(sa.update(wishes).where(ours).values(change)).rowcount == 0:
                connection.execute(sa.insert(wishes), {**first, "is_unloaded": is_unloaded})
            return int(connection.execute(sa.select(wishes.c.ticket).where(ours)).scalar_one())

    def _is_ours(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.repository == self._repository

    def _without(self, worker: str) -> sa.Delete:
        return sa.delete(workers).where(self._is_ours(workers), workers.c.worker == worker)

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
            "files_state": None if row.files_state is None else row.files_state.value,
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
        files_state=None if record.files_state is None else State(record.files_state),
    )


def _plain(held: Held) -> dict[str, object]:
    return {
        "model": held.model,
        "version": held.version,
        "identity": held.identity,
        "loading": held.loading.value,
        "reason": held.reason,
    }


def _worker(record: sa.Row[tuple[object, ...]]) -> WorkerRecord:
    held = tuple(Held(**{**one, "loading": Loading(one["loading"])}) for one in record.held)
    return WorkerRecord(record.worker, held, record.seen, record.beat)
