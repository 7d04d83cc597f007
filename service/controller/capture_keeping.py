"""Captured inputs are kept within what the models' configurations and the settings say."""

import time
from collections.abc import Callable
from pathlib import Path

from service.capture.sweep import Bounds, Sweep
from service.controller.known_config import KnownConfigs, Told
from service.quality.store import QualityStore
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
        configs: Callable[[], Told | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sweep = Sweep(capture_dir, store.forgotten)
        self._max_bytes = max_bytes
        self._versions = versions
        self._configs = configs
        self._clock = clock

    def __call__(self) -> None:
        """Sweep. Raises SQLAlchemyError while the database is away."""
        known = KnownConfigs(self._versions.rows(), self._configs())

        def bounds_of(model: str) -> Bounds:
            config = known.of(model)
            days = None if config is None else config.capture.retention_days
            return Bounds(days, self._max_bytes)

        self._sweep.step(self._clock(), bounds_of)
