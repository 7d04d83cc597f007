"""A worker that really looks, over fake versions of one model; there is no controller."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.base.database import open_database
from service.base.settings import Settings
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.web.exchange import Identity
from service.web.process import WebProcess
from service.web.served import ServedVersion
from tests.databases import migrate
from tests.fakes import FakeVersion

ROWS = [
    VersionRow("broken", 3, State.FAILED, "x.h5: damaged"),
    *(VersionRow("m", version, State.READY, artefact=f"a{version}") for version in (1, 2, 3)),
]


class Worker(WebProcess):
    """Each version answers its inputs times its number."""

    def _load(self, row: VersionRow) -> ServedVersion:
        identity = Identity(row.model, row.version, row.artefact, "h5", "2.4.0")
        return self.serve(identity, FakeVersion(factor=row.version), row.config)


@contextmanager
def worker(folder: Path, rows: list[VersionRow] | None = None, **given: Any) -> Iterator[Worker]:
    """One that has looked, and goes on looking; closed in the end."""
    settings = Settings(state_dir=folder, repository=folder / "repository", workers=1, **given)
    (folder / "repository").mkdir(parents=True)
    engine = open_database(settings.database)
    migrate(engine)
    VersionStore(engine, settings.repository_key).replace(ROWS if rows is None else rows)
    engine.dispose()
    process = Worker(settings)
    process.reloader.step(0.0)
    process.reloader.start()
    try:
        yield process
    finally:
        process.close()
