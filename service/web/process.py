"""Everything that one web worker is made of, put together once: the composition root."""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from service.base.bell import Bell
from service.base.compiled import ONNX_FILE, discard, read_compiled
from service.base.database import hasty, open_database
from service.base.errors import KerasdError
from service.base.metrics import WORKER_STARTS
from service.base.processors import processors
from service.base.refusals import ArtefactCorrupt
from service.base.resident import anonymous_bytes, used_bytes
from service.base.settings import MEBIBYTE, Settings
from service.capture.terms import Terms
from service.capture.writer import CaptureWriter
from service.jobs.store import JobStore
from service.quality.store import QualityStore
from service.quality.store_evaluations import EvaluationStore
from service.quality.store_keys import KeyStore
from service.repository.compiled_store import open_compiled_store
from service.repository.decisions import chooser, decider
from service.repository.fetched import Fetched
from service.repository.model_config import ModelConfig
from service.repository.sample_requests import find_samples
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.repository.store_heartbeats import HeartbeatStore
from service.runtime.backlog import Backlog, QueueLimits
from service.runtime.batcher import Batcher
from service.runtime.disposal import Disposal
from service.runtime.onnx import OnnxVersion
from service.runtime.plan import choose_plan
from service.runtime.pool import Pool
from service.runtime.tensorflow import TensorFlowProxy, TensorFlowVersion
from service.runtime.version import LoadedVersion
from service.runtime.watchdog import Watchdog
from service.web.access.access import make_access
from service.web.admin.permits import Permits
from service.web.answers import RequestIds
from service.web.arrivals import Arrivals
from service.web.budget import Budget
from service.web.counted import VersionMetrics
from service.web.counters import Counters
from service.web.ending import Ending
from service.web.exchange import Facts, Identity
from service.web.notes import open_notes
from service.web.plane import Plane
from service.web.protocols import translators
from service.web.quality.capturing import capture_terms
from service.web.quality.figures import QualityFigures
from service.web.quality.quality import Quality
from service.web.reloader import Reloader
from service.web.residents import Residents
from service.web.served import ServedVersion
from service.web.shadow import Shadow
from service.web.spans import Tracer, open_traces
from service.web.swap_counts import SwapCounts
from service.web.version_loader import VersionLoader
from service.web.warm_up import golden_inputs, warm_up

logger = logging.getLogger(__name__)

# What a session takes beyond twice its file: with 200 dense models of a megabyte each it was 0.2 to
# 0.6 MB at rest, and 1 MB as long as what loading needed isn't given back to the kernel.
SESSION_BYTES = 1024 * 1024
COPIES = 2  # of the weights: as they are in the file, and arranged for the processor


class WebProcess:
    """One worker's parts; `start` after the fork, `close` at the end.

    `siblings` is how many workers listen on the same socket, this one included; `ending` says
    whether they are told to end.
    """

    def __init__(self, settings: Settings, siblings: int = 1, ending: Ending | None = None) -> None:
        self.settings = settings
        self.ending = ending or Ending()
        self.request_ids = RequestIds()
        self.permits = Permits(settings.model_control)
        self.access = make_access(settings)
        self.tracer: Tracer | None = None
        self.counters = Counters()
        self.bell = Bell(settings.run_dir / "bell")
        self.compiled = open_compiled_store(settings)
        self.notes = open_notes(settings)
        self.pool: Pool[ServedVersion] = Pool(self.bell)
        self._translators = translators()
        self._runs = ThreadPoolExecutor(settings.run_threads, "predict")
        self.shadow = Shadow(self.pool, settings.predict_timeout_s)
        self.plane = Plane(
            self.pool,
            self._translators,
            self._runs,
            settings.predict_timeout_s,
            settings.max_body_bytes,
            self.shadow,
        )
        self._engine = open_database(settings.database)
        self._hasty = hasty(self._engine)
        self._watchdog = Watchdog()
        self._disposal = Disposal()
        self._proxy = TensorFlowProxy(settings.run_dir, settings.predict_timeout_s)
        store = VersionStore(self._engine, settings.repository_key)
        self.swap_counts = SwapCounts(store)
        self.heartbeats = HeartbeatStore(self._engine, settings.repository_key)
        self.jobs = JobStore(self._engine, settings.repository_key)
        self.evaluations = EvaluationStore(self._engine, settings.repository_key)
        keys = KeyStore(self._engine)
        self.quality = Quality(
            QualityStore(self._engine, settings.repository_key),
            keys,
            settings.repository_key,
            CaptureWriter(settings.capture_dir, self._capture_terms),
            settings.receipts,
        )
        self.quality_figures = QualityFigures(
            self.quality.store, keys.installation, settings.repository_key
        )
        at_once = VersionStore(self._hasty, settings.repository_key)
        self.reloader = Reloader(store, self.pool, self._residents(), siblings, hasty=at_once)
        self.fetched = Fetched(self.compiled.folder, store, self._loaded_keys)
        self.arrivals = Arrivals(self.pool, self.reloader, settings.load_wait_s)

    def start(self) -> None:
        """Begin to load what should be served; returns at once."""
        WORKER_STARTS.inc()
        self.tracer = open_traces(self.settings.traces)
        self.access.start()
        self.shadow.start()
        self.quality.start()
        self.reloader.start()
        if self.compiled.is_shared:
            self.fetched.start()
        if self.notes is not None:
            self.notes.start()

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
            chooses=chooser(config, loaded.signature) is not None,
            max_rows=min(settings.max_rows, config.max_rows or settings.max_rows),
            extra_keys=settings.extra_keys,
        )
        plan = choose_plan(loaded.measured, config.batching, settings.run_threads)
        tally = self.quality.tally(identity)
        metrics = VersionMetrics(identity.model, identity.version, config.labels, tally)
        name = f"model '{identity.model}'"
        queue = QueueLimits(settings.max_queue, settings.max_queue_s)
        batcher = Batcher(loaded, plan, self._runs, queue, metrics.count_run, name)
        backlog = Backlog(queue, settings.run_threads)
        return ServedVersion(facts, batcher, metrics, backlog, self.quality.receipting(facts))

    def tell(self) -> None:
        """Have every process of this host look at what was decided."""
        self.bell.ring()
        self.reloader.look_soon()

    def close(self) -> None:
        """End the threads and close what is open."""
        self.reloader.close()
        self.fetched.close()
        if self.notes is not None:
            self.notes.close()
        self.shadow.close()
        self._runs.shutdown()
        self.plane.flush()
        for slot in self.pool.slots():
            self.pool.remove(slot.model, slot.version)
        self.quality.close()
        self._disposal.close()
        self._watchdog.close()
        self._proxy.close()
        self._engine.dispose()
        self._hasty.dispose()
        self.bell.close()
        self.access.close()
        if self.tracer is not None:
            self.tracer.close()

    def _capture_terms(self) -> dict[str, Terms]:
        """What is to be captured of each model now."""
        return capture_terms(self.reloader.rows) if self.settings.capture_mb else {}

    def _loaded_keys(self) -> set[str]:
        """The compiled versions that this worker answers with."""
        return {slot.served.facts.identity.artefact for slot in self.pool.slots()}

    def _residents(self) -> Residents[ServedVersion]:
        """The loaded versions, within the memory that the settings give them."""
        budget = Budget(
            self.settings.model_memory_mb * MEBIBYTE, self.settings.cold_models == "wait"
        )
        measure = used_bytes if budget.limit_bytes else anonymous_bytes
        loader = VersionLoader(self.pool, self._load, self._weigh, measure, self._is_remote)
        return Residents(self.pool, loader, budget, lambda: self._disposal.count)

    def _is_remote(self, row: VersionRow) -> bool:
        """Whether TensorFlow's process runs it, or it comes from afar: others don't wait for it.

        What can't be read is met when it is loaded.
        """
        if self.compiled.must_fetch(row.artefact):
            return True
        try:
            return read_compiled(self.settings.compiled_path / row.artefact).runtime == "tensorflow"
        except ArtefactCorrupt:
            return False

    def _weigh(self, row: VersionRow) -> int:
        """Bytes that a version takes at least: its weights, without what its runs need."""
        try:
            size = (self.settings.compiled_path / row.artefact / ONNX_FILE).stat().st_size
        except OSError:  # it isn't there, or TensorFlow's process has it in memory
            size = 0
        return SESSION_BYTES + COPIES * size

    def _load(self, row: VersionRow) -> ServedVersion:
        """Load and warm one version. Raises ArtefactCorrupt; then it is compiled anew."""
        folder = self.settings.compiled_path / row.artefact
        self.compiled.bring(row.artefact)
        try:
            compiled = read_compiled(folder)
            loaded: LoadedVersion
            if compiled.runtime == "onnx":
                threads = processors() // self.settings.workers
                loaded = OnnxVersion(
                    folder, compiled, self._watchdog, max(1, threads), self._disposal
                )
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
        served = self.serve(identity, loaded, row.config)
        samples = find_samples(self.settings.repository, row.model, row.version)
        golden = partial(golden_inputs, folder, compiled)
        try:
            warm_up(served, self._translators["predict"], samples, golden)
        except KerasdError:
            served.close()
            raise
        return served
