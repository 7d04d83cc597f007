"""Workers without processes: a reloader over a pool and a store, stepped by hand."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from service.base.bell import Bell
from service.base.database import open_database
from service.repository.model_config import Latest, ModelConfig
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.repository.workers import WorkerName
from service.runtime.pool import Pool
from service.web.budget import Budget
from service.web.reloader import Reloader
from service.web.residents import Residents
from service.web.version_loader import VersionLoader
from tests.databases import migrate
from tests.fakes import FakeVersion

TWO = ModelConfig(version_policy=Latest(latest=2))


class World:
    """A store, a pool, a reloader, a bell, and a list of what was loaded.

    A version is as many bytes large as `sizes` says of its model. `errors` are of versions that
    can't be loaded, `error` is of all. `remote` models are loaded in a thread beside.
    """

    def __init__(
        self,
        folder: Path,
        name: WorkerName | None = None,
        siblings: int = 1,
        budget: Budget | None = None,
        sizes: Mapping[str, int] | None = None,
        remote: Collection[str] = (),
    ) -> None:
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = VersionStore(engine, "repository")
        self.bell = Bell(folder / "bell")
        self.pool: Pool[FakeVersion] = Pool(self.bell)
        self.loads: list[FakeVersion] = []
        self.loaded: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.errors: dict[int, Exception] = {}
        self.sizes = sizes or {}
        loader = VersionLoader(
            self.pool, self.load, self.weigh, lambda: 0, lambda row: row.model in remote
        )
        residents = Residents(self.pool, loader, budget)
        self.reloader = Reloader(self.store, self.pool, residents, siblings, name)

    def load(self, row: VersionRow) -> FakeVersion:
        error = self.error or self.errors.get(row.version)
        if error is not None:
            raise error
        self.loads.append(FakeVersion())
        self.loaded.append((row.model, row.version))
        return self.loads[-1]

    def weigh(self, row: VersionRow) -> int:
        return self.sizes.get(row.model, 0)

    def say(self, *rows: VersionRow, now: float = 0.0) -> None:
        self.store.replace(list(rows))
        self.reloader.step(now)

    def route(self, model: str = "m", **changes: object) -> Route:
        """Change a route as an operator does, and ring."""
        route = self.store.change(model, lambda before: replace(before, **changes))  # type: ignore[arg-type]
        self.bell.ring()
        return route

    def answers(self, model: str = "m", version: int | None = None, label: str = "") -> int:
        """The version that answers a request."""
        with self.pool.lease(model, version, label) as slot:
            slot.last_used = slot.last_held
            return slot.version

    def in_memory(self) -> list[tuple[str, int]]:
        return [(slot.model, slot.version) for slot in self.pool.slots()]


def ready(
    version: int, artefact: str = "a", model: str = "m", config: ModelConfig | None = None
) -> VersionRow:
    return VersionRow(
        model, version, State.READY, artefact=artefact, config=config or ModelConfig()
    )
