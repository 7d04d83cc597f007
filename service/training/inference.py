"""Rows through a compiled version, in batches: by ONNX Runtime, else as TensorFlow serves it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from service.base.compiled import Compiled, read_compiled
from service.base.errors import KerasdError
from service.base.signature import Tensors, TensorSpec
from service.runtime.onnx import OnnxVersion

MIN_ROUNDS, MAX_ROUNDS, LONGEST_S = 20, 300, 3.0

Run = Callable[[Tensors], Tensors]
Tell = Callable[[int], object]


class Stoppable(Protocol):
    """An attempt at a job: `is_stopped` costs nothing, `check` raises why."""

    @property
    def is_stopped(self) -> bool: ...

    def check(self) -> None: ...


class Inference:
    """A compiled version in this process, loaded as a context. Raises ArtefactCorrupt."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.compiled: Compiled = read_compiled(folder)
        self._onnx: OnnxVersion | None = None
        if self.compiled.runtime == "onnx":
            self._onnx = OnnxVersion(folder, self.compiled, threads_available=threads)
            self.run: Run = self._onnx.run
        else:
            from service.loading.exported import LoadedGraph  # TensorFlow: some seconds

            self.run = LoadedGraph(folder).run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._onnx is not None:
            self._onnx.close()


def run_rows(
    version: Inference, inputs: Tensors, batch_size: int, attempt: Stoppable, tell: Tell
) -> np.ndarray:
    """The first output of every row, in their order; `tell` hears how many rows are done.

    Inputs that are called otherwise go by their order. Raises what the attempt's `check` raises,
    at the next batch.
    """
    inputs = _named(version.compiled.signature.inputs, inputs)
    rows = len(next(iter(inputs.values())))
    fixed = version.compiled.signature.inputs[0].shape[0]
    size = fixed or batch_size
    outputs: list[np.ndarray] = []
    for start in range(0, rows, size):
        if attempt.is_stopped:
            attempt.check()
        outputs.append(_run(version, inputs, start, min(size, rows - start), fixed))
        tell(min(start + size, rows))
    return np.concatenate(outputs) if outputs else np.zeros((0, 1), np.float32)


def _named(specs: Sequence[TensorSpec], inputs: Tensors) -> Tensors:
    if {spec.name for spec in specs} == set(inputs):
        return inputs
    return {spec.name: values for spec, values in zip(specs, inputs.values(), strict=True)}


def _run(
    version: Inference, inputs: Tensors, start: int, rows: int, fixed: int | None
) -> np.ndarray:
    """A batch; one that takes a certain number of rows has the last one filled with zeros."""
    batch: Tensors = {}
    for spec in version.compiled.signature.inputs:
        values = np.ascontiguousarray(inputs[spec.name][start : start + rows])
        if fixed is not None and rows < fixed:
            filling = np.zeros((fixed - rows, *values.shape[1:]), values.dtype)
            values = np.concatenate([values, filling])
        batch[spec.name] = values
    output: np.ndarray = version.run(batch)[version.compiled.signature.outputs[0].name]
    return output[:rows]


def latency_ratio(
    candidate: Inference,
    champion: Inference,
    row: Tensors,
    clock: Callable[[], float] = time.perf_counter,
) -> float | None:
    """The candidate's time for the same rows over the champion's, in turns.

    By the fastest: a job works when nobody else does, and on a full machine most runs are
    interrupted. None where either can't run them.
    """
    inputs = [_named(one.compiled.signature.inputs, row) for one in (candidate, champion)]
    ours: list[float] = []
    theirs: list[float] = []
    end = clock() + LONGEST_S
    try:
        candidate.run(inputs[0])  # the first run is no measure
        champion.run(inputs[1])
        while len(ours) < MAX_ROUNDS and (len(ours) < MIN_ROUNDS or clock() < end):
            for version, batch, times in (
                (candidate, inputs[0], ours),
                (champion, inputs[1], theirs),
            ):
                began = clock()
                version.run(batch)
                times.append(clock() - began)
    except (KerasdError, ValueError):
        return None
    return min(ours) / min(theirs) if min(theirs) > 0 else None
