"""What is known of all versions at one moment: recorded, decided, and held by each worker."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy.exc

from service.base.compiled import read_compiled
from service.base.refusals import ArtefactCorrupt
from service.repository.route import Route
from service.repository.states import Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName, is_alive
from service.runtime.pool import Pool, Slot
from service.web.served import ServedVersion
from service.web.swap_counts import Moves, SwapCounts

ALL = 1_000_000  # entries of an audit, more than anybody makes
LOADING = "LOADING"
AVAILABLE = (Loading.LOADED.value, Loading.COLD.value)

File = tuple[str, str]  # format and version of Keras
UNKNOWN: File = ("", "")


@dataclass(frozen=True, slots=True)
class ModelView:
    """`workers` are those that live; `held` is by worker what it says of a model's version."""

    rows: list[VersionRow]
    slots: Mapping[tuple[str, int], Slot[ServedVersion]]
    files: Mapping[str, File] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    swaps: Moves = field(default_factory=dict)
    held: Mapping[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)

    def loading(self, row: VersionRow) -> list[str]:
        """How far each worker has come with a version: in the words of `Loading`, or LOADING."""
        key = (row.model, row.identity)
        return [held.get(key, LOADING) for held in self.held.values()]

    def is_ready(self, row: VersionRow) -> bool:
        """True when every worker answers for it, if only after loading."""
        return row.state is State.READY and all(one in AVAILABLE for one in self.loading(row))


class ModelViews:
    """Takes a view whenever one is needed; of other workers only what the database tells."""

    def __init__(
        self,
        store: VersionStore,
        pool: Pool[ServedVersion],
        rows: Callable[[], list[VersionRow]],
        compiled_dir: Path,
    ) -> None:
        self._store = store
        self._pool = pool
        self._rows = rows
        self._compiled_dir = compiled_dir
        self._files: dict[str, File] = {}
        self._swaps = SwapCounts(lambda last_id: store.audit(limit=ALL, after=last_id))

    def take(self) -> ModelView:
        """The view now; without the database it is what this worker has itself."""
        rows = self._rows()
        slots = {(slot.model, slot.version): slot for slot in self._pool.slots()}
        own = {(slot.model, slot.identity): Loading.LOADED.value for slot in slots.values()}
        name, now = str(WorkerName.of(os.getpid())), time.time()
        files = self._known_files(rows, slots)
        try:
            held = {
                record.worker: _held(record)
                for record in self._store.workers()
                if is_alive(record, now)
            }
            held[name] = _kept(held.get(name, {})) | own
            return ModelView(rows, slots, files, self._store.routes(), self._swaps.count(now), held)
        except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
            return ModelView(rows, slots, files, held={name: own})

    def _known_files(
        self, rows: list[VersionRow], slots: Mapping[tuple[str, int], Slot[ServedVersion]]
    ) -> Mapping[str, File]:
        """What the compiled versions were; read once for each, as it never changes."""
        for slot in slots.values():
            identity = slot.served.facts.identity
            self._files[identity.artefact] = (identity.format, identity.keras_version)
        for artefact in {row.artefact for row in rows if row.artefact} - self._files.keys():
            try:
                compiled = read_compiled(self._compiled_dir / artefact)
            except ArtefactCorrupt:
                continue
            self._files[artefact] = (compiled.format, compiled.keras_version)
        return self._files


def _held(record: WorkerRecord) -> dict[tuple[str, str], str]:
    return {(one.model, one.identity): one.loading.value for one in record.held}


def _kept(reported: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """What this worker has reported of itself, but for what it had loaded then."""
    return {key: one for key, one in reported.items() if one != Loading.LOADED.value}
