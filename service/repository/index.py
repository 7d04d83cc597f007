"""How every version stands over all workers, in Triton's words: pure."""

from dataclasses import dataclass
from enum import StrEnum

from service.repository.policy import UNLOADED
from service.repository.states import COMING, Loading, State, VersionRow, WorkerRecord


class Standing(StrEnum):
    """Triton's states of a version in its repository index."""

    READY = "READY"
    UNAVAILABLE = "UNAVAILABLE"
    LOADING = "LOADING"
    UNLOADING = "UNLOADING"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version; `reason` says why it isn't READY."""

    model: str
    version: int
    standing: Standing
    reason: str = ""


def make_index(
    rows: list[VersionRow], unloaded: set[str], workers: list[WorkerRecord]
) -> list[IndexEntry]:
    """All versions there are, out of rows that hold the operators' wishes already."""
    return [_entry(row, row.model in unloaded, workers) for row in rows]


def _entry(row: VersionRow, is_unloaded: bool, workers: list[WorkerRecord]) -> IndexEntry:
    if row.served:
        return _served(row, workers)
    if any(worker.is_serving(row.model, row.version) for worker in workers):
        return IndexEntry(row.model, row.version, Standing.UNLOADING, row.reason)
    if is_unloaded:
        reason = row.reason if row.state is State.FAILED else UNLOADED
        return IndexEntry(row.model, row.version, Standing.UNAVAILABLE, reason)
    if row.state in COMING:
        reason = row.reason or "it is being compiled"
        return IndexEntry(row.model, row.version, Standing.LOADING, reason)
    return IndexEntry(row.model, row.version, Standing.UNAVAILABLE, row.reason or "not served")


def _served(row: VersionRow, workers: list[WorkerRecord]) -> IndexEntry:
    """READY in all workers, or LOADING; UNAVAILABLE where none has it and one can't load it."""
    found = [worker.find(row) for worker in workers]
    troubles = [held for held in found if held is not None and held.loading is not Loading.LOADED]
    if found and all(held is not None and held not in troubles for held in found):
        return IndexEntry(row.model, row.version, Standing.READY, row.reason)
    standing = Standing.LOADING
    has_failed = any(held.loading is Loading.FAILED for held in troubles)
    if has_failed and not any(worker.is_serving(row.model) for worker in workers):
        standing = Standing.UNAVAILABLE
    return IndexEntry(row.model, row.version, standing, troubles[0].reason if troubles else "")
