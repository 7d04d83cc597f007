"""TensorFlow's process beside a web process whose controller is elsewhere.

A controller keeps one for web processes that share its state directory. For those that don't, on
other machines, this one runs the versions that only TensorFlow can run.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from service.base.compiled import read_compiled
from service.base.database import open_database
from service.base.graces import Graces
from service.base.lock import hold_lock, wait_until_free
from service.base.refusals import ArtefactCorrupt
from service.base.settings import Settings
from service.controller.ending import told_to_end
from service.controller.tensorflow_runtime import TensorFlowRuntime
from service.repository.policy import settle
from service.repository.states import VersionRow
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)


class RuntimeKeeper:
    """Starts the process when a served version needs it; what isn't here yet needs nothing."""

    def __init__(self, store: VersionStore, compiled_dir: Path, run_dir: Path) -> None:
        self._store = store
        self._compiled_dir = compiled_dir
        self._runtime = TensorFlowRuntime(run_dir, compiled_dir)
        self._needs: dict[str, bool] = {}

    def step(self, now: float) -> None:
        """One look at what is served; while the database is away the last look counts."""
        with suppress(SQLAlchemyError):
            rows = [row for row in settle(self._store.rows(), self._store.routes()) if row.served]
            self._needs = self._look(rows, self._needs)
        try:
            self._runtime.step(any(self._needs.values()), now)
        except OSError as error:  # no room, no process to be had: it is tried again
            logger.warning("tensorflow can't be started", extra={"why": error.strerror})

    def close(self) -> None:
        """End it."""
        self._runtime.close()

    def _look(self, served: list[VersionRow], known: Mapping[str, bool]) -> dict[str, bool]:
        found = {}
        for row in served:
            with suppress(ArtefactCorrupt):
                key = row.artefact
                found[key] = known[key] if key in known else self._is_needed_by(key)
        return found

    def _is_needed_by(self, artefact: str) -> bool:
        return read_compiled(self._compiled_dir / artefact).runtime == "tensorflow"


def keep_runtime(settings: Settings, web_lock: Path) -> None:
    """Run until SIGTERM or SIGINT, and then until the web process of this place has ended.

    Raises StateDirectoryBusy where a controller is at work, which keeps one itself.
    """
    stop = told_to_end()
    with hold_lock(settings.run_dir / "controller.lock", settings.state_dir):
        engine = open_database(settings.database)
        keeper = RuntimeKeeper(
            VersionStore(engine, settings.repository_key),
            settings.compiled_path.absolute(),
            settings.run_dir.absolute(),
        )
        try:
            while not stop.is_set():
                keeper.step(time.monotonic())
                stop.wait(settings.poll_s)
            runtime_s = Graces(settings.predict_timeout_s).runtime_s
            wait_until_free(web_lock, settings.drain_s + runtime_s)
        finally:
            keeper.close()
            engine.dispose()
