"""Whether this worker, and at first its siblings, have loaded all that should be served."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from service.repository.policy import waiting_models
from service.repository.states import Loading, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName, live_workers
from service.runtime.asked import Key

DONE = (Loading.LOADED, Loading.COLD)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What /readyz tells."""

    is_ready: bool
    waits_for: tuple[str, ...]


NOT_LOOKED = Readiness(
    False, ("the first look at the database, whose tables a controller or kerasd migrate makes",)
)


class Siblings:
    """The other workers on this worker's socket: each may get the request after a good answer.

    `count` is how many there are, this one included.
    """

    def __init__(self, store: VersionStore, count: int) -> None:
        self._store = store
        self._count = count

    def wait_for(self, served: Collection[VersionRow], name: WorkerName) -> set[str]:
        """What they have not loaded yet."""
        others: list[WorkerRecord] = []
        for record in live_workers(self._store, time.time()):
            other = WorkerName.parse(record.worker)
            if other != name and other.is_here():
                others.append(record)
        waiting = {
            f"{row.model} in {WorkerName.parse(other.worker).spoken()}"
            for other in others
            for row in served
            if not _is_done(other, row)
        }
        missing = self._count - 1 - len(others)
        return waiting | ({f"workers yet to start: {missing}"} if missing > 0 else set())


def judge(
    before: Readiness,
    rows: Iterable[VersionRow],
    done: Collection[Key],
    siblings_wait_for: Callable[[], set[str]],
) -> Readiness:
    """Once ready, ready: what comes later is no reason to take the others away.

    Nor is a sibling that was killed and comes back: they are asked for as long as nobody was ready.
    """
    ours = list(rows)
    waiting = {row.model for row in ours if row.served and (row.model, row.version) not in done}
    waiting |= waiting_models(ours)
    if not waiting and not before.is_ready:
        waiting = siblings_wait_for()
    return Readiness(before.is_ready or not waiting, tuple(sorted(waiting)))


def _is_done(worker: WorkerRecord, row: VersionRow) -> bool:
    """Loaded or cold; of a version beside the current one, a failure is an end as well."""
    return any(
        (held.model, held.version) == (row.model, row.version)
        and (held.loading in DONE or not row.current)
        for held in worker.held
    )
