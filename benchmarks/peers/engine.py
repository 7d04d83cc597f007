"""The same engine for every peer: ONNX Runtime on one thread a worker, as the service has it.

So a difference is owed to the server and not to what it runs.
"""

import os

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Rows = NDArray[np.float32]

MODEL_VARIABLE = "BENCHMARK_ONNX"
MAX_BATCH = 32
WAIT_MS = 1


class Engine:
    """The model in one session."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.environ[MODEL_VARIABLE], options, providers=["CPUExecutionProvider"]
        )
        (only,) = self._session.get_inputs()
        self._input = only.name
        self.shape = tuple(only.shape[1:])
        self.run(np.zeros((1, *self.shape), np.float32))

    def run(self, rows: Rows) -> Rows:
        """The answers, row by row."""
        return np.asarray(self._session.run(None, {self._input: rows})[0])

    def run_each(self, batches: list[Rows]) -> list[Rows]:
        """The answers to several requests, by one call."""
        ends = np.cumsum([len(rows) for rows in batches])[:-1]
        return np.split(self.run(np.concatenate(batches)), ends)

    def from_bytes(self, numbers: bytes) -> Rows:
        """Rows out of bare numbers."""
        return np.frombuffer(numbers, np.float32).reshape(-1, *self.shape)
