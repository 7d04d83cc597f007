"""Everything that one web worker is made of, put together once: the composition root."""

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor

from service.base.compiled import discard, read_compiled
from service.base.database import open_database
from service.base.metrics import WORKER_STARTS
from service.base.refusals import ArtefactCorrupt
from service.base.settings import Settings
from service.repository.model_config import ModelConfig
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.runtime.backlog import Backlog, QueueLimits
from service.runtime.batcher import Batcher
from service.runtime.onnx import OnnxVersion
from service.runtime.plan import choose_plan
from service.runtime.pool import Pool
from service.runtime.tensorflow import TensorFlowProxy, TensorFlowVersion
from service.runtime.version import LoadedVersion
from service.runtime.watchdog import Watchdog
from service.web.answers import RequestIds
from service.web.counted import VersionMetrics
from service.web.decisions import decider
from service.web.exchange import Facts, Identity
from service.web.plane import Plane
from service.web.protocols import translators
from service.web.reloader import Reloader
from service.web.served import ServedVersion

logger = logging.getLogger(__name__)

LOOK_WAIT_S = 1.0


class WebProcess:
    """One worker's parts; `start` after the fork, `close` at the end.

    `siblings` is how many workers listen on the same socket, this one included.
    """

    def __init__(self, settings: Settings, siblings: int = 1) -> None:
        self.settings = settings
        self.request_ids = RequestIds()
        self.pool: Pool[ServedVersion] = Pool()
        self._runs = ThreadPoolExecutor(settings.run_threads, "predict")
        self.plane = Plane(
            self.pool,
            translators(),
            self._runs,
            settings.predict_timeout_s,
            settings.max_body_bytes,
        )
        self._engine = open_database(settings.database)
        self._watchdog = Watchdog()
        self._proxy = TensorFlowProxy(settings.run_dir, settings.predict_timeout_s)
        self.reloader = Reloader(
            VersionStore(self._engine, settings.repository_key), self.pool, self._load, siblings
        )

    def start(self) -> None:
        """Begin to load what should be served; returns at once."""
        WORKER_STARTS.inc()
        self.reloader.start()

    def look_for(self, model: str) -> int | None:
        """None if the model is loaded; else the ticket of a look at the database, to wait for."""
        return None if self.pool.has(model) else self.reloader.look_soon()

    def should_wait(self, model: str, ticket: int, started: float, deadline: float) -> bool:
        """True while the model may yet appear: briefly for a look, longer for one being loaded."""
        now = time.monotonic()
        if now >= deadline:
            return False
        if not self.reloader.has_looked(ticket) and now - started < LOOK_WAIT_S:
            return True
        is_coming = self.pool.is_pending(model) or self.reloader.is_retrying(model)
        return is_coming and now - started < self.settings.load_wait_s

    def serve(
        self, identity: Identity, loaded: LoadedVersion, config: ModelConfig
    ) -> ServedVersion:
        """A loaded version with the parts that answer for it, its plan chosen by its figures."""
        settings = self.settings
        facts = Facts(
            identity,
            loaded.signature,
            config,
            decides=decider(config, loaded.signature) is not None,
            max_rows=min(settings.max_rows, config.max_rows or settings.max_rows),
            extra_keys=settings.extra_keys,
        )
        plan = choose_plan(loaded.measured, config.batching, settings.run_threads)
        metrics = VersionMetrics(identity.model, identity.version, config.labels)
        name = f"model '{identity.model}'"
        queue = QueueLimits(settings.max_queue, settings.max_queue_s)
        batcher = Batcher(loaded, plan, self._runs, queue, metrics.count_run, name)
        return ServedVersion(facts, batcher, metrics, Backlog(queue, settings.run_threads))

    def close(self) -> None:
        """End the threads and close what is open."""
        self.reloader.close()
        self._runs.shutdown()
        for slot in self.pool.slots():
            self.pool.remove(slot.model)
        self._watchdog.close()
        self._proxy.close()
        self._engine.dispose()

    def _load(self, row: VersionRow) -> ServedVersion:
        """Load and warm one version. Raises ArtefactCorrupt; then it is compiled anew."""
        folder = self.settings.compiled_dir / row.artefact
        try:
            compiled = read_compiled(folder)
            loaded: LoadedVersion
            if compiled.runtime == "onnx":
                threads = len(os.sched_getaffinity(0)) // self.settings.workers
                loaded = OnnxVersion(folder, compiled, self._watchdog, max(1, threads))
            else:
                loaded = TensorFlowVersion(self._proxy, compiled, folder)
        except ArtefactCorrupt:
            discard(folder)
            raise
        identity = Identity(
            row.model,
            row.version,
            row.artefact,
            compiled.format,
            compiled.keras_version,
            compiled.engine,
            compiled.runtime,
            compiled.notes,
        )
        return self.serve(identity, loaded, row.config)
