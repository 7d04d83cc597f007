"""Workers that follow what is recorded, stepped by hand while a call waits for them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from service.base.database import open_database
from service.repository.audit import Order
from service.repository.model_config import ModelConfig
from service.repository.policy import settle
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from tests.databases import migrate

FIRST, SECOND = "host/1:11:1", "host/1:22:2"  # elsewhere: known by their reports alone
ALWAYS = 1e12
BY_ANN = Order("ann", "better", "r-1")


def ready(version: int, **more: object) -> VersionRow:
    return replace(VersionRow("m", version, State.READY, artefact=f"a{version}"), **more)  # type: ignore[arg-type]


def by_policy(*versions: int, policy: object) -> list[VersionRow]:
    config = ModelConfig.model_validate({"version_policy": policy})
    return [ready(version, config=config) for version in versions]


class Crew:
    """A store and workers over it; time only moves when a call pauses, faster with `haste`."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(self.engine)
        self.store = VersionStore(self.engine, "repository")
        self.store.replace([ready(1), ready(2), ready(3)])
        self.names: list[str] = [FIRST, SECOND]
        self.broken: dict[str, str] = {}
        self.cold: set[int] = set()
        self.now = 0.0
        self.rings = 0
        self.haste = 1.0
        self.has_controller = True
        self.meanwhile: Callable[[], object] = lambda: None

    def tell(self) -> None:
        self.rings += 1

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds * self.haste
        self.meanwhile()
        self.follow()

    def follow(self, names: Iterable[str] | None = None) -> None:
        """One look of each worker, and of the controller, which only answers."""
        routes = self.store.routes()
        rows = [row for row in settle(self.store.rows(), routes) if row.served]
        seen = {model: route.revision for model, route in routes.items()}
        for name in self.names if names is None else names:
            held = tuple(self._hold(name, row) for row in rows)
            self.store.report(WorkerRecord(name, held, seen, beat=ALWAYS))
        if self.has_controller:
            self.store.answer(routes.values())

    def current(self) -> int | None:
        return self.store.route("m").current

    def actions(self) -> list[str]:
        return [entry.action for entry in reversed(self.store.audit())]

    def _hold(self, name: str, row: VersionRow) -> Held:
        route = self.store.route(row.model)
        is_prepared = any(version == row.version for version, _ in route.preparing)
        loading, reason = Loading.LOADED, ""
        if f"{name} {row.version}" in self.broken:
            loading, reason = Loading.FAILED, self.broken[f"{name} {row.version}"]
        elif row.version in self.cold and not is_prepared:
            loading = Loading.COLD
        return Held(row.model, row.version, row.identity, loading, reason)
