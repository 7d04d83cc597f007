"""What is known of versions at one moment: recorded, decided, and held by each worker."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy.exc

from service.repository.policy import labels_of, settle
from service.repository.route import Route
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord, loading_of
from service.repository.workers import WorkerName, live_workers
from service.runtime.asked import Key
from service.runtime.pool import Pool
from service.runtime.slot import Slot
from service.web.process import WebProcess
from service.web.served import ServedVersion

AVAILABLE = (Loading.LOADED, Loading.COLD)

Loaded = Mapping[Key, Slot[ServedVersion]]


@dataclass(frozen=True, slots=True)
class ModelView:
    """Settled rows of all models, or of one; `loaded` is what this worker has in memory.

    `workers` are those that live, `used` are seconds since 1970. Without the database it isn't
    whole: there are only the rows that were read last, and what this worker knows of itself.
    """

    rows: list[VersionRow]
    loaded: Loaded = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    workers: list[WorkerRecord] = field(default_factory=list)
    used: Mapping[Key, float] = field(default_factory=dict)
    is_whole: bool = True

    def route(self, model: str) -> Route:
        """Where the model's requests go."""
        return self.routes.get(model) or Route(model)

    def of(self, model: str) -> list[VersionRow]:
        """The model's versions."""
        return [row for row in self.rows if row.model == model]

    def labels(self, model: str) -> dict[str, int]:
        """What each label of the model stands for."""
        return labels_of(self.of(model), self.route(model))

    def slot(self, row: VersionRow) -> Slot[ServedVersion] | None:
        """The version as this worker has it loaded."""
        return self.loaded.get((row.model, row.version))

    def loading(self, row: VersionRow) -> list[Loading]:
        """How far each worker has come with a version."""
        return [held.loading for held in loading_of(row, self.workers)]

    def is_ready(self, row: VersionRow) -> bool:
        """True when every worker answers for it, if only after loading."""
        return row.state is State.READY and all(one in AVAILABLE for one in self.loading(row))

    def answers(self, row: VersionRow) -> bool:
        """True when this worker does, or some worker would load it for a request."""
        return self.slot(row) is not None or Loading.COLD in self.loading(row)

    def last_used(self, row: VersionRow) -> float:
        """When it answered last; what is recorded of that is written down now and then."""
        slot = self.slot(row)
        recorded = self.used.get((row.model, row.version), 0.0)
        return recorded if slot is None else max(recorded, slot.last_used)


def take_view(
    process: WebProcess, model: str = "", rows: list[VersionRow] | None = None
) -> ModelView:
    """As the database tells it now; as this worker knows it where the database doesn't.

    `rows` are taken where they are given, settled and new enough.
    """
    store, loaded = process.reloader.store, _loaded(process.pool)
    try:
        routes = {model: store.route(model)} if model else store.routes()
        if rows is None:
            rows = settle(store.rows(model), routes)
        workers = _with_own(live_workers(store, time.time(), model), loaded)
        return ModelView(rows, loaded, routes, workers, store.used())
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        workers = _with_own([], loaded)
        return ModelView(process.reloader.rows, loaded, workers=workers, is_whole=False)


def _loaded(pool: Pool[ServedVersion]) -> Loaded:
    return {(slot.model, slot.version): slot for slot in pool.slots()}


def _with_own(workers: list[WorkerRecord], loaded: Loaded) -> list[WorkerRecord]:
    """This worker knows better than its last report what it has loaded."""
    name = str(WorkerName.of(os.getpid()))
    reported = next((one for one in workers if one.worker == name), WorkerRecord(name))
    own = [
        Held(slot.model, slot.version, slot.identity, Loading.LOADED) for slot in loaded.values()
    ]
    own += [held for held in reported.held if held.loading is not Loading.LOADED]
    others = [one for one in workers if one.worker != name]
    everybody = [*others, replace(reported, held=tuple(own))]
    return sorted(everybody, key=lambda one: one.worker)
