"""Workers without processes: a reloader over a pool and a store, stepped by hand."""

from pathlib import Path

from service.base.database import migrate, open_database
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.repository.workers import WorkerName
from service.runtime.pool import Pool
from service.web.reloader import Reloader
from tests.fakes import FakeVersion


class World:
    """A store, a pool, a reloader, and a list of what was loaded."""

    def __init__(self, folder: Path, name: WorkerName | None = None, siblings: int = 1) -> None:
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = VersionStore(engine, "repository")
        self.pool: Pool[FakeVersion] = Pool()
        self.loads: list[FakeVersion] = []
        self.error: Exception | None = None
        self.reloader = Reloader(self.store, self.pool, self.load, siblings, name)

    def load(self, _row: VersionRow) -> FakeVersion:
        if self.error is not None:
            raise self.error
        self.loads.append(FakeVersion())
        return self.loads[-1]

    def say(self, *rows: VersionRow, now: float = 0.0) -> None:
        self.store.replace(list(rows))
        self.reloader.step(now)


def ready(version: int, artefact: str = "a", served: bool = True) -> VersionRow:
    return VersionRow("m", version, State.READY, served=served, artefact=artefact)
