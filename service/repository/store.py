"""What the processes of one repository tell each other: versions, routes, workers."""

from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import ValidationError

from service.repository.model_config import Feedback, ModelConfig
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store_routes import RouteStore
from service.repository.store_tables import scans, versions, workers

UNREADABLE = "model.yaml: as it was recorded, it is not accepted any more"


class VersionStore(RouteStore):
    """The records of one repository; several repositories may share a database.

    The controller writes versions, the workers read them; operators change routes by way of a
    worker, and each worker reports what it holds.
    """

    def rows(self, model: str = "") -> list[VersionRow]:
        """All versions, or those of one model, by model and number."""
        query = (
            sa.select(versions)
            .where(self._is_ours(versions))
            .order_by(versions.c.model, versions.c.version)
        )
        if model:
            query = query.where(versions.c.model == model)
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

    def artefacts(self) -> set[str]:
        """Keys of all compiled versions that a row or a worker names, of any repository."""
        with self._engine.connect() as connection:
            named = set(connection.scalars(sa.select(versions.c.artefact).distinct()))
            reports = list(connection.execute(sa.select(workers)))
        held = {one.artefact for record in reports for one in _worker(record, "").held}
        return (named | held) - {""}

    def longest_horizon_days(self) -> float:
        """For how long labels are taken of the model, of any repository, for which that is longest;
        0 if there is none.
        """
        with self._engine.connect() as connection:
            configs = list(connection.scalars(sa.select(versions.c.config)))
        said = [config.get("feedback", {}) for config in configs]
        default = Feedback().horizon_days
        return max((float(one.get("horizon_days", default)) for one in said), default=0.0)

    def was_scanned(self) -> bool:
        """True once a controller has looked through the repository."""
        return self.scanned_at() is not None

    def scanned_at(self) -> datetime | None:
        """When the rows were written, or none: as long as it stays the same, they do."""
        query = sa.select(scans.c.scanned_at).where(self._is_ours(scans))
        with self._engine.connect() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

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

    def workers(self, model: str = "") -> list[WorkerRecord]:
        """Every worker that has reported, whether it lives or not; with all that it holds, or with
        what it holds of one model.
        """
        query = sa.select(workers).where(self._is_ours(workers)).order_by(workers.c.worker)
        with self._engine.connect() as connection:
            return [_worker(record, model) for record in connection.execute(query)]

    def forget(self, worker: str) -> None:
        """Drop what is recorded of a worker."""
        with self._engine.begin() as connection:
            connection.execute(self._without(worker))

    def _without(self, worker: str) -> sa.Delete:
        return sa.delete(workers).where(self._is_ours(workers), workers.c.worker == worker)

    def _record(self, row: VersionRow, now: datetime) -> dict[str, object]:
        return {
            "repository": self._repository,
            "model": row.model,
            "version": row.version,
            "state": row.state.value,
            "reason": _storable(row.reason),
            "artefact": row.artefact,
            "config": row.config.model_dump(mode="json", exclude_defaults=True),
            "updated_at": now,
            "files_state": None if row.files_state is None else row.files_state.value,
        }


def _row(record: sa.Row[tuple[object, ...]]) -> VersionRow:
    try:
        config = ModelConfig(**record.config)
    except ValidationError:  # written by another release; one version must not stop the others
        return VersionRow(record.model, record.version, State.FAILED, UNREADABLE)
    return VersionRow(
        model=record.model,
        version=record.version,
        state=State(record.state),
        reason=record.reason,
        artefact=record.artefact,
        config=config,
        files_state=None if record.files_state is None else State(record.files_state),
    )


def _storable(text: str) -> str:
    """The text with what no database takes written out: it may quote a stranger's file."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _plain(held: Held) -> dict[str, object]:
    return {
        "model": held.model,
        "version": held.version,
        "identity": held.identity,
        "loading": held.loading.value,
        "reason": held.reason,
    }


def _worker(record: sa.Row[tuple[object, ...]], model: str) -> WorkerRecord:
    held = tuple(
        Held(**{**one, "loading": Loading(one["loading"])})
        for one in record.held
        if model in ("", one["model"])
    )
    return WorkerRecord(record.worker, held, record.seen, record.beat)


def repositories(engine: sa.Engine) -> list[str]:
    """The keys of all repositories of a database that a controller has looked through."""
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(scans.c.repository)))
