"""Versions as they are answered in our own words: state, labels, use, and each worker's part."""

from collections.abc import Iterable
from datetime import UTC, datetime

from service.base.strict_json import Json
from service.repository.policy import labels_of
from service.repository.route import Route
from service.repository.states import Loading, State, VersionRow, loading_of
from service.repository.workers import WorkerName
from service.runtime.slot import Slot
from service.web.model_view import ModelView
from service.web.served import ServedVersion


def version_records(view: ModelView, rows: list[VersionRow], route: Route) -> list[Json]:
    """All versions of one model, without the workers' parts."""
    labels = labels_of(rows, route)
    records = []
    for row in rows:
        used = view.last_used(row)
        beside = {
            "retired": row.version in route.retired,
            "labels": sorted(name for name, of in labels.items() if of == row.version),
            "last_used": iso_time(used) if used else None,
        }
        records.append(_record(row, view.slot(row)) | beside)
    return records


def worker_records(view: ModelView, row: VersionRow) -> Iterable[Json]:
    """What each worker that lives says of the version, as far as it has to do with it."""
    is_expected = row.served and row.state is State.READY
    for worker, held in zip(view.workers, loading_of(row, view.workers), strict=True):
        if held.loading is not Loading.LOADING or is_expected:
            name = WorkerName.parse(worker.worker).spoken()
            yield {"worker": name, "state": held.loading.value, "reason": held.reason}


def iso_time(seconds: float) -> str:
    """A time of the wall clock in ISO 8601, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(row: VersionRow, slot: Slot[ServedVersion] | None) -> Json:
    record: Json = {
        "model": row.model,
        "version": row.version,
        "state": row.state.value,
        "reason": row.reason,
        "served": row.served,
        "current": row.current,
        "loaded": slot is not None,
        "artefact": row.artefact,
        "classes": list(row.config.labels),
    }
    if slot is not None:
        identity = slot.served.facts.identity
        record |= {
            "format": identity.format,
            "keras_version": identity.keras_version,
            "engine": identity.engine,
            "runtime": identity.runtime,
            "notes": list(identity.notes),
        }
    return record
