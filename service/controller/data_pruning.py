"""Deletes uploaded data files that no job has named for long."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from service.data.shelf import Shelf
from service.jobs.named import texts_in
from service.jobs.store import JobStore
from service.repository.audit import CONTROLLER, AuditEntry
from service.repository.model_config import ModelConfig
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
NO_FILE = ModelConfig()


class DataPruning:
    """What a job that hasn't ended names counts as used now, and so does what the model's own file
    names for its retrains: without that file nothing of the model is deleted.

    `configs` are those files, with none for one that can't be followed; none at all while nobody
    knows them. A repository without any model may not be mounted: then nothing is deleted either.
    """

    def __init__(
        self,
        uploads_dir: Path,
        keep_days: float,
        jobs: JobStore,
        versions: VersionStore,
        configs: Callable[[], Mapping[str, ModelConfig | None] | None],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._shelf = Shelf(uploads_dir)
        self._keep_days = keep_days
        self._jobs = jobs
        self._versions = versions
        self._configs = configs
        self._wall_clock = wall_clock

    def __call__(self) -> None:
        """One round. Raises SQLAlchemyError while the database is away; then nothing is deleted."""
        configs = self._configs()
        if not self._keep_days or not configs:
            return
        for model, request in self._jobs.waiting_requests():
            self._shelf.use(model, texts_in(request))
        for model, config in configs.items():
            if config is not None and config.retrain is not None:
                self._shelf.use(model, texts_in(config.retrain.model_dump(mode="json")))
        now = self._wall_clock()
        for model in self._shelf.models():
            if configs.get(model, NO_FILE) is None:
                continue
            for file in self._shelf.prune(model, now - self._keep_days * DAY_S):
                why = f"named by no job for {self._keep_days:g} days (setting data_keep_days)"
                logger.info("data file deleted", extra={"model": model, "file": file, "why": why})
                after = {"file": file}
                entry = AuditEntry(now, model, "delete-data", CONTROLLER, why, "", {}, after)
                self._versions.note(entry)
