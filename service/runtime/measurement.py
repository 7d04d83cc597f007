"""What is found out about a version when it is loaded: how long runs take, and of which rows.

A batch may be made of several requests only if a row's answer doesn't depend on the rows beside it.
No file says so, hence it is tried: eight rows that differ, together and each alone.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from service.base.compiled import Runtime
from service.base.errors import MemoryShort, TensorInvalid
from service.base.golden import MAX_RELATIVE_ERROR, relative_error, replay
from service.base.signature import WARM_ROWS, Signature, Tensors, zeros

Run = Callable[[Tensors], Tensors]
Clock = Callable[[], float]

TRIED_ROWS = 8
TIMED_RUNS = 7
TIMED_S = 0.05
BUDGET_S = 2.0
UNKNOWN_S = 1.0
SEED = 11


class Rows(Enum):
    """How the rows of one batch get along; only INDEPENDENT ones are gathered unasked."""

    INDEPENDENT = "independent"
    INTERACTING = "interacting"
    FIXED = "fixed"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Measured:
    """`times` are seconds of a run by rows; `threads` is how many compute one of them.

    `cores` is how many this worker may keep busy; `free_axis` is how long free axes were meanwhile.
    """

    times: Mapping[int, float]
    rows: Rows = Rows.UNTRIED
    runtime: Runtime = "onnx"
    threads: int = 1
    cores: int = 1
    free_axis: int = 8

    @property
    def row_cost_s(self) -> float:
        """Seconds of the smallest run; long where none was possible."""
        return self.times[min(self.times)] if self.times else UNKNOWN_S


class Samples:
    """Inputs to measure with: the golden ones, mixed to as many different rows as are needed."""

    def __init__(self, signature: Signature, golden: Tensors | None, free_axis: int) -> None:
        self._signature = signature
        self._golden = golden
        self._free_axis = free_axis

    @property
    def fixed_rows(self) -> int | None:
        """The only number of rows that the model takes; none when it takes any."""
        firsts = [spec.shape[0] if spec.shape else 1 for spec in self._signature.inputs]
        return next((first for first in firsts if first is not None), None)

    @property
    def differ(self) -> bool:
        """True when there are at least two rows of which one could disturb the other."""
        return self._golden is not None and any(
            not np.array_equal(array[:1], array[-1:]) for array in self._golden.values()
        )

    def take(self, rows: int) -> Tensors:
        """A batch of so many rows."""
        if self._golden is None:
            return zeros(self._signature, rows, self._free_axis)
        random = np.random.default_rng(SEED)
        return {name: _mix(array, rows, random) for name, array in self._golden.items()}


def replayed_inputs(content: bytes, signature: Signature, run: Run, name: str) -> Tensors:
    """The golden inputs of the version, once they gave what they gave when it was compiled.

    Raises ArtefactCorrupt when they don't.
    """
    inputs: Tensors = {}

    def run_and_keep(golden: Tensors) -> Tensors:
        inputs.update(golden)
        return run(golden)

    replay(content, signature, run_and_keep, name)
    return inputs


def measure_times(
    run: Run, samples: Samples, sizes: Iterable[int] = WARM_ROWS, clock: Clock = time.perf_counter
) -> dict[int, float]:
    """Seconds of a run by rows: the shortest of several, for a longer one tells of the machine.

    Each size is warmed thereby, so that no request pays for the first. Ends before the size that
    would take longer than the budget.
    """
    times: dict[int, float] = {}
    spent = 0.0
    for rows in (samples.fixed_rows,) if samples.fixed_rows else sizes:
        if times and spent + times[min(times)] * rows > BUDGET_S:
            break
        started = clock()
        try:
            times[rows] = _shortest(run, samples.take(rows), clock)
        except (TensorInvalid, MemoryShort):  # not possible: the first request warms
            continue
        spent += clock() - started
    return times


def try_rows(run: Run, samples: Samples, times: Mapping[int, float]) -> Rows:
    """Whether a row's answer is the same beside seven others as alone."""
    if samples.fixed_rows is not None:
        return Rows.FIXED
    if not samples.differ or TRIED_ROWS not in times:
        return Rows.UNTRIED
    batch = samples.take(TRIED_ROWS)
    try:
        together = run(batch)
        alone = [
            run({name: array[row : row + 1] for name, array in batch.items()})
            for row in range(TRIED_ROWS)
        ]
    except (TensorInvalid, MemoryShort):
        return Rows.UNTRIED
    is_same = all(
        _is_joined(whole, [parts[name] for parts in alone]) for name, whole in together.items()
    )
    return Rows.INDEPENDENT if is_same else Rows.INTERACTING


def _is_joined(whole: np.ndarray, parts: list[np.ndarray]) -> bool:
    if any(part.ndim == 0 or part.shape[1:] != whole.shape[1:] for part in parts):
        return False
    return relative_error(np.concatenate(parts), whole) <= MAX_RELATIVE_ERROR


def _shortest(run: Run, inputs: Tensors, clock: Clock) -> float:
    started = now = clock()
    run(inputs)
    shortest, now = clock() - now, clock()
    for _ in range(TIMED_RUNS):
        if now - started > TIMED_S:
            break
        run(inputs)
        shortest, now = min(shortest, clock() - now), clock()
    return shortest


def _mix(array: np.ndarray, rows: int, random: np.random.Generator) -> np.ndarray:
    """Rows of which each value stands at the same place in one of the array's own rows.

    So indices stay within their vocabulary, and texts are texts.
    """
    if rows <= len(array):
        return array[:rows]
    more = (rows - len(array), *array.shape[1:])
    chosen = random.integers(0, len(array), size=more)
    return np.concatenate([array, np.take_along_axis(array, chosen, axis=0)])
