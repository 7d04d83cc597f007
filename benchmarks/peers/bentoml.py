"""BentoML: a batchable API over arrays for JSON, and a plain one over bare numbers."""

import bentoml
import numpy as np
from starlette.responses import Response

from benchmarks.peers.engine import Engine

WORKERS = 2
MAX_ROWS = 1024  # it counts rows, not requests; the request with the most rows must fit
PATIENCE_MS = (
    20_000  # beyond it requests are refused; its batcher finds out itself how long to wait
)


@bentoml.service(
    workers=WORKERS,
    traffic={"timeout": 60},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Predict:
    """The service; each worker has one."""

    def __init__(self) -> None:
        self._engine = Engine()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=MAX_ROWS, max_latency_ms=PATIENCE_MS)
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Rows in JSON."""
        return self._engine.run(np.ascontiguousarray(x, np.float32))

    @bentoml.api
    def raw(self, body: bytes, /) -> bytes:
        """Bare numbers."""
        numbers = self._engine.run(self._engine.from_bytes(body)).tobytes()
        answer: bytes = Response(numbers, media_type="application/octet-stream")
        return answer
