"""How every version stands over all workers, in Triton's words: pure."""

from dataclasses import dataclass
from enum import StrEnum

from service.repository.policy import UNLOADED
from service.repository.states import (
    COMING,
    Held,
    Loading,
    State,
    VersionRow,
    WorkerRecord,
    loading_of,
)

FINE = (Loading.LOADED, Loading.COLD)
TROUBLED = (Loading.RETRYING, Loading.FAILED)
ON_DEMAND = "loaded on demand"


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
    """All versions there are, out of settled rows."""
    loaded = {
        (one.model, one.version)
        for worker in workers
        for one in worker.held
        if one.loading is Loading.LOADED
    }
    entries = []
    for row in rows:
        if row.served:
            found = loading_of(row, workers)
            entries.append(_served(row, found, (row.model, row.version) in loaded))
        else:
            is_leaving = (row.model, row.version) in loaded
            entries.append(_unserved(row, row.model in unloaded, is_leaving))
    return entries


def _unserved(row: VersionRow, is_unloaded: bool, is_leaving: bool) -> IndexEntry:
    if is_leaving:
        return IndexEntry(row.model, row.version, Standing.UNLOADING, row.reason)
    if is_unloaded:
        reason = row.reason if row.state is State.FAILED else UNLOADED
        return IndexEntry(row.model, row.version, Standing.UNAVAILABLE, reason)
    if row.state in COMING:
        reason = row.reason or "it is being compiled"
        return IndexEntry(row.model, row.version, Standing.LOADING, reason)
    return IndexEntry(row.model, row.version, Standing.UNAVAILABLE, row.reason or "not served")


def _served(row: VersionRow, found: list[Held], is_anywhere: bool) -> IndexEntry:
    """READY in all workers, or LOADING; UNAVAILABLE where none has it and one can't load it.

    `found` is what each worker has of it, `is_anywhere` that one has it, if in an older form.
    """
    if found and all(held.loading in FINE for held in found):
        is_cold = any(held.loading is Loading.COLD for held in found)
        return IndexEntry(row.model, row.version, Standing.READY, _also(row.reason, is_cold))
    troubles = [held for held in found if held.loading in TROUBLED]
    standing = Standing.LOADING
    has_failed = any(held.loading is Loading.FAILED for held in troubles)
    if has_failed and not is_anywhere:
        standing = Standing.UNAVAILABLE
    return IndexEntry(row.model, row.version, standing, troubles[0].reason if troubles else "")


def _also(reason: str, is_cold: bool) -> str:
    return "; ".join(filter(None, [reason, ON_DEMAND if is_cold else ""]))
