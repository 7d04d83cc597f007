"""Everything that one web worker is made of, put together once: the composition root."""

import logging
from functools import partial
from pathlib import Path

from service.base.compiled import discard, read_compiled
from service.base.database import open_database
from service.base.metrics import WORKER_STARTS
from service.base.refusals import ArtefactCorrupt
from service.base.settings import Settings
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.runtime.onnx import OnnxVersion
from service.runtime.pool import Pool
from service.runtime.tensorflow import TensorFlowProxy, TensorFlowVersion
from service.runtime.version import LoadedVersion
from service.web.answers import RequestIds
from service.web.decode import Decoder
from service.web.reloader import Reloader
from service.web.served import Identity, ServedVersion

logger = logging.getLogger(__name__)

LOOK_WAIT_S = 1.0


class WebProcess:
    """One worker's parts; `start` after the fork, `close` at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.request_ids = RequestIds()
        self.pool: Pool[ServedVersion] = Pool()
        self._engine = open_database(settings.database)
        self._proxy = TensorFlowProxy(settings.run_dir, settings.predict_timeout_s)
        load = partial(load_version, settings.compiled_dir, self._proxy, Decoder())
        self.reloader = Reloader(
            VersionStore(self._engine, settings.repository_key), self.pool, load
        )

    def start(self) -> None:
        """Begin to load what should be served; returns at once."""
        WORKER_STARTS.inc()
        self.reloader.start()

    def look_for(self, model: str) -> int | None:
        """None if the model is loaded; else the ticket of a look at the database, to wait for."""
        return None if self.pool.has(model) else self.reloader.look_soon()

    def should_wait(self, model: str, ticket: int, waited_s: float) -> bool:
        """True while the model may yet appear: briefly for a look, longer for one being loaded."""
        if not self.reloader.has_looked(ticket) and waited_s < LOOK_WAIT_S:
            return True
        return self.pool.is_pending(model) and waited_s < self.settings.load_wait_s

    def close(self) -> None:
        """End the thread and close what is open."""
        self.reloader.close()
        self._proxy.close()
        self._engine.dispose()


def load_version(
    compiled_dir: Path, proxy: TensorFlowProxy, decoder: Decoder, row: VersionRow
) -> ServedVersion:
    """Load and warm one version. Raises ArtefactCorrupt; the controller then compiles it anew."""
    folder = compiled_dir / row.artefact
    try:
        compiled = read_compiled(folder)
        loaded: LoadedVersion
        if compiled.runtime == "onnx":
            loaded = OnnxVersion(folder, compiled)
        else:
            loaded = TensorFlowVersion(proxy, compiled)
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
    return ServedVersion(identity, loaded, row.config, decoder)
