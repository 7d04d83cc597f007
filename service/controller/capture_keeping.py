"""Captured inputs are kept within what the models' configurations and the settings say."""

import time
from collections.abc import Callable
from pathlib import Path

from service.capture.sweep import Bounds, Sweep
from service.quality.store import QualityStore
from service.repository.model_config import Capture
from service.repository.store import VersionStore

EVERY_S = 60.0  # so long may forgotten inputs lie there


class CaptureKeeping:
    """One sweep a call; to be called every EVERY_S, in a thread."""

    def __init__(
        self,
        capture_dir: Path,
        max_bytes: int,
        store: QualityStore,
        versions: VersionStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sweep = Sweep(capture_dir, store.forgotten)
        self._max_bytes = max_bytes
        self._versions = versions
        self._clock = clock

    def __call__(self) -> None:
        """Sweep. Raises SQLAlchemyError while the database is away."""
        newest = sorted(self._versions.rows(), key=lambda row: row.version)
        days = {row.model: row.config.capture.retention_days for row in newest}
        usual = Capture().retention_days  # for a model that is gone
        self._sweep.step(
            self._clock(), lambda model: Bounds(days.get(model, usual), self._max_bytes)
        )
