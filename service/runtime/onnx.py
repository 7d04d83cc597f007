"""A version run by ONNX Runtime in this process: microseconds, no hop, no TensorFlow."""

import time
from pathlib import Path

import onnxruntime

from service.base.compiled import ONNX_FILE, Compiled, read_verified
from service.base.errors import TensorInvalid
from service.base.golden import GOLDEN_FILE, replay
from service.base.refusals import ArtefactCorrupt
from service.base.signature import WARM_ROWS, Signature, Tensors, zeros

onnxruntime.set_default_logger_severity(3)

TIMED_RUNS = 7


class OnnxVersion:
    """One ONNX session.

    Raises ArtefactCorrupt when its file isn't what was recorded, or doesn't answer as it did then.
    """

    def __init__(self, folder: Path, compiled: Compiled) -> None:
        content = read_verified(folder, compiled, ONNX_FILE)
        self._signature = compiled.signature
        self._outputs = [spec.name for spec in compiled.signature.outputs]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the workers share the cores already
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions have no common class
            raise ArtefactCorrupt(
                f"{folder.name}/{ONNX_FILE}", "ONNX Runtime can't load it"
            ) from error
        self._free_axis = compiled.free_axis
        if GOLDEN_FILE in compiled.files:
            golden = read_verified(folder, compiled, GOLDEN_FILE)
            replay(golden, self._signature, self.run, f"{folder.name}/{ONNX_FILE}")
        self._row_cost_s = self._warm()

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._signature

    @property
    def row_cost_s(self) -> float:
        """Measured time of one instance in a batch of one."""
        return self._row_cost_s

    def run(self, inputs: Tensors) -> Tensors:
        """The outputs for a batch, by name."""
        try:
            values = self._session.run(self._outputs, inputs)
        except Exception as error:  # an input of a right shape that the graph can't take
            text = " ".join(str(error).split())[:300]
            raise TensorInvalid("inputs", "values that the model can compute with", text) from error
        return dict(zip(self._outputs, values, strict=True))

    def close(self) -> None:
        """Nothing to do: the session's memory goes with this object."""

    def _warm(self) -> float:
        """Run each usual batch size once, so that no request pays for the first; time one row.

        The shortest of several times: a longer one says more of the machine than of the model.
        """
        for rows in WARM_ROWS:
            self._try_zeros(rows)
        return min(self._time_row() for _ in range(TIMED_RUNS))

    def _time_row(self) -> float:
        started = time.perf_counter()
        self._try_zeros(1)
        return time.perf_counter() - started

    def _try_zeros(self, rows: int) -> None:
        try:
            self.run(zeros(self._signature, rows, self._free_axis))
        except TensorInvalid:  # zeros that the model can't compute with: the first request warms
            return
