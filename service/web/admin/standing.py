"""How the models of the repository stand: recorded, decided, and held by every worker."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy.exc

from service.repository.policy import labels_of, settle
from service.repository.route import Route
from service.repository.states import Loading, VersionRow, WorkerRecord
from service.repository.workers import live_workers
from service.web.process import WebProcess


@dataclass(frozen=True, slots=True)
class Standing:
    """Settled rows of all models, or of one; `used` are seconds since 1970 by model and version.

    `workers` are those that live, as they have reported themselves.
    """

    rows: list[VersionRow]
    routes: Mapping[str, Route] = field(default_factory=dict)
    workers: list[WorkerRecord] = field(default_factory=list)
    used: Mapping[tuple[str, int], float] = field(default_factory=dict)

    def route(self, model: str) -> Route:
        """Where the model's requests go."""
        return self.routes.get(model) or Route(model)

    def of(self, model: str) -> list[VersionRow]:
        """The model's versions."""
        return [row for row in self.rows if row.model == model]

    def labels(self, model: str) -> dict[str, int]:
        """What each label of the model stands for."""
        return labels_of(self.of(model), self.route(model))

    def is_cold(self, row: VersionRow) -> bool:
        """True for one that isn't loaded, but answers: it is loaded when a request asks for it."""
        held = [worker.find(row) for worker in self.workers]
        return any(one is not None and one.loading is Loading.COLD for one in held)


def take_standing(process: WebProcess, model: str = "") -> Standing:
    """As the database tells it now; as this worker knows it where the database doesn't."""
    store = process.reloader.store
    try:
        routes = {model: store.route(model)} if model else store.routes()
        rows = settle(store.rows(model) if model else store.rows(), routes)
        return Standing(rows, routes, live_workers(store, time.time()), store.used())
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        return Standing(process.reloader.rows)


def iso_time(seconds: float) -> str:
    """A time of the wall clock in ISO 8601, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
