"""A version run by ONNX Runtime in this process: microseconds, no hop, no TensorFlow."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime

from service.base.compiled import ONNX_FILE, Compiled, read_verified
from service.base.errors import DeadlineExceeded, KerasdError, MemoryShort, TensorInvalid
from service.base.golden import GOLDEN_FILE
from service.base.refusals import ArtefactCorrupt
from service.base.signature import WARM_ROWS, Signature, Tensors, zeros
from service.runtime.disposal import Disposal
from service.runtime.measurement import (
    TRIED_ROWS,
    Measured,
    Samples,
    measure_times,
    replayed_inputs,
    try_rows,
)
from service.runtime.watchdog import Watchdog

# Its errors are raised, so there is no need to print them.
onnxruntime.set_default_logger_severity(4)

LONG_RUN_S = 0.001
SHRINKAGE = ("memory.enable_memory_arena_shrinkage", "cpu:0")  # give back what this run needed
WORTH_THREADS = 1.3
MEMORY_SIGNS = ("Failed to allocate memory", "bad_alloc", "out of memory")
STATUS = "Status Message: "


class OnnxVersion:
    """One ONNX session, with more than one thread only where these were measured to be worth it.

    Raises ArtefactCorrupt when its file isn't what was recorded, or doesn't answer as it did then.
    """

    def __init__(
        self,
        folder: Path,
        compiled: Compiled,
        watchdog: Watchdog | None = None,
        threads_available: int = 1,
        disposal: Disposal | None = None,
    ) -> None:
        name = f"{folder.name}/{ONNX_FILE}"
        content = read_verified(folder, compiled, ONNX_FILE)
        self._signature = compiled.signature
        self._outputs = [spec.name for spec in compiled.signature.outputs]
        self._watchdog = watchdog or Watchdog()
        self._owns_watchdog = watchdog is None
        self._disposal = disposal
        # It keeps what the largest run has needed; of free axes, nobody knows how much that is.
        self._has_arena = not any(None in spec.item_shape for spec in compiled.signature.inputs)
        self._session = _open(content, 1, self._has_arena, name)
        golden = None
        if GOLDEN_FILE in compiled.files:
            recorded = read_verified(folder, compiled, GOLDEN_FILE)
            golden = replayed_inputs(recorded, compiled.signature, self.run, name)
        samples = Samples(compiled.signature, golden, compiled.free_axis)
        times = measure_times(self.run, samples)
        rows = try_rows(self.run, samples, times)
        self._measured = Measured(
            times,
            rows,
            cores=threads_available,
            free_axis=compiled.free_axis,
            rows_doubt=compiled.rows_doubt,
        )
        if threads_available > 1 and self._measured.row_cost_s > LONG_RUN_S and times:
            session = _open(content, threads_available, self._has_arena, name)
            self._try_threads(session, samples)

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._signature

    @property
    def measured(self) -> Measured:
        """All that was found out when it was loaded."""
        return self._measured

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        """The outputs for a batch, by name. Ends at the first operator after the deadline."""
        options = None
        if deadline is not None:
            within_s = deadline - time.monotonic()
            if within_s <= 0:
                raise DeadlineExceeded(0)
            options = onnxruntime.RunOptions()
            if self._has_arena and len(next(iter(inputs.values()))) > WARM_ROWS[-1]:
                options.add_run_config_entry(*SHRINKAGE)
            self._watchdog.guard(options, deadline)
        try:
            values = self._session.run(self._outputs, inputs, options)
        except Exception as error:  # ONNX Runtime's exceptions have no common class
            if options is not None and options.terminate:
                raise DeadlineExceeded(round(within_s, 3)) from error
            raise _fault(error) from error
        finally:
            if options is not None:
                self._watchdog.release(options)
        return dict(zip(self._outputs, values, strict=True))

    def close(self) -> None:
        """Give the session's memory back, whoever may still know of this object."""
        session, self._session = self._session, None
        if self._disposal is not None:
            self._disposal.add(lambda: self._shrink(session))
        if self._owns_watchdog:
            self._watchdog.close()

    def _shrink(self, session: Any) -> None:
        """Empty the arena in a run, which holds up no other thread; what is left goes quickly."""
        if not self._has_arena:
            return
        options = onnxruntime.RunOptions()
        options.add_run_config_entry(*SHRINKAGE)
        with suppress(Exception):  # ONNX Runtime's exceptions have no common class
            session.run(self._outputs, zeros(self._signature, 1), options)

    def _try_threads(self, session: Any, samples: Samples) -> None:
        """Keep the session with more threads if it is clearly quicker."""
        before = self._measured
        single, self._session = self._session, session
        times = measure_times(self.run, samples)
        rows = max((size for size in times if size <= TRIED_ROWS), default=0)
        if rows and before.times.get(rows, 0.0) >= WORTH_THREADS * times[rows]:
            self._measured = replace(before, times=times, threads=before.cores)
        else:
            self._session = single


def _open(content: bytes, threads: int, has_arena: bool, name: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = has_arena
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if threads > 1:  # waiting threads would spin on the cores that HTTP is parsed on
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common class
        raise ArtefactCorrupt(name, "ONNX Runtime can't load it") from error


def _fault(error: Exception) -> KerasdError:
    """An input of a right shape that the graph can't take, told without the engine's own places."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(sign in text for sign in MEMORY_SIGNS):
        return MemoryShort()
    told = " ".join(word for word in text.split(STATUS)[-1].split() if "/" not in word)
    return TensorInvalid("inputs", "values that the model can compute with", told[:300])
