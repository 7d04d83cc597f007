"""Versions as they are answered in our own words: state, labels, use, and each worker's part."""

from collections.abc import Iterable
from typing import Any

from service.repository.policy import by_model
from service.repository.states import State, VersionRow, WorkerRecord
from service.repository.workers import WorkerName
from service.runtime.pool import Pool, Slot
from service.web.admin.standing import Standing, iso_time
from service.web.served import ServedVersion

LOADING = "LOADING"

Json = dict[str, Any]
Loaded = dict[tuple[str, int], Slot[ServedVersion]]


def version_records(standing: Standing, loaded: Loaded, with_workers: bool) -> list[Json]:
    """All versions that stand there."""
    records = []
    for model, rows in by_model(standing.rows).items():
        labels = standing.labels(model)
        retired = standing.route(model).retired
        for row in rows:
            slot = loaded.get((model, row.version))
            record = _record(row, slot)
            record["retired"] = row.version in retired
            record["labels"] = sorted(name for name, of in labels.items() if of == row.version)
            used = standing.used.get((model, row.version), 0.0)
            used = used if slot is None else max(used, slot.last_used)  # written down now and then
            record["last_used"] = iso_time(used) if used else None
            if with_workers:
                record["workers"] = list(_workers(row, standing.workers))
            records.append(record)
    return records


def loaded_here(pool: Pool[ServedVersion]) -> Loaded:
    """What this worker has loaded."""
    return {(slot.model, slot.version): slot for slot in pool.slots()}


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


def _workers(row: VersionRow, workers: list[WorkerRecord]) -> Iterable[Json]:
    """What each worker that lives says of the version, as far as it has to do with it."""
    for worker in workers:
        held = worker.find(row)
        name = WorkerName.parse(worker.worker).spoken()
        if held is not None:
            yield {"worker": name, "state": held.loading.value, "reason": held.reason}
        elif row.served and row.state is State.READY:
            yield {"worker": name, "state": LOADING, "reason": ""}
