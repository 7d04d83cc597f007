"""What is found out about a version when it is loaded: how long runs take, and of which rows.

A batch may be made of several requests only if a row's answer doesn't depend on the rows beside it.
The compiler has examined the graph for that; here it is tried besides: eight rows that differ,
together and each alone, as they are and on other scales.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from service.base.compiled import NOT_EXAMINED, Runtime
from service.base.errors import MemoryShort, TensorInvalid
from service.base.golden import MAX_RELATIVE_ERROR, replay
from service.base.signature import WARM_ROWS, Signature, Tensors, zeros

Run = Callable[[Tensors], Tensors]
Clock = Callable[[], float]

TRIED_ROWS = 8
TIMED_RUNS = 7
TIMED_S = 0.05
BUDGET_S = 2.0
UNKNOWN_S = 1.0
SEED = 11
FACTORS = (1, 10, 100, -1)  # the golden inputs and others, where a model may behave otherwise
TRIAL_S = 1.0
SMALLEST_COLUMN = 1e-12
TOUCH = 1e-6  # inputs are changed by so much, relatively, to see how much rounding may do


class Rows(Enum):
    """How the rows of one batch got along when it was tried."""

    INDEPENDENT = "independent"
    INTERACTING = "interacting"
    FIXED = "fixed"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Measured:
    """`times` are seconds of a run by rows; `threads` is how many compute one of them.

    `cores` is how many this worker may keep busy; `free_axis` is how long free axes were meanwhile.
    `rows_doubt` is why the compiler doesn't call the rows independent; empty if it does.
    """

    times: Mapping[int, float]
    rows: Rows = Rows.UNTRIED
    runtime: Runtime = "onnx"
    threads: int = 1
    cores: int = 1
    free_axis: int = 8
    rows_doubt: str = NOT_EXAMINED

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


def try_rows(
    run: Run, samples: Samples, times: Mapping[int, float], clock: Clock = time.perf_counter
) -> Rows:
    """Whether a row's answer is the same beside seven others as alone."""
    if samples.fixed_rows is not None:
        return Rows.FIXED
    if not samples.differ or TRIED_ROWS not in times:
        return Rows.UNTRIED
    found = Rows.UNTRIED
    started = clock()
    for batch in _on_scales(samples.take(TRIED_ROWS)):
        if found is not Rows.UNTRIED and clock() - started > TRIAL_S:
            break
        try:
            together, alone = run(batch), _run_alone(run, batch)
            if not _is_finite(together):
                continue
            if not _agree(run, batch, together, alone):
                return Rows.INTERACTING
        except (TensorInvalid, MemoryShort):  # it takes no such values
            continue
        found = Rows.INDEPENDENT
    return found


def _on_scales(batch: Tensors) -> Iterator[Tensors]:
    """The batch, then with its floats multiplied, where it has any."""
    floats = {name for name, array in batch.items() if array.dtype.kind == "f"}
    for factor in FACTORS if floats else FACTORS[:1]:
        with np.errstate(over="ignore"):
            scaled = {name: batch[name] * batch[name].dtype.type(factor) for name in floats}
        yield batch | scaled


def _run_alone(run: Run, batch: Tensors) -> list[Tensors]:
    return [
        run({name: array[row : row + 1] for name, array in batch.items()})
        for row in range(TRIED_ROWS)
    ]


def _is_finite(outputs: Tensors) -> bool:
    arrays = [array for array in outputs.values() if array.dtype.kind == "f"]
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _agree(run: Run, batch: Tensors, together: Tensors, alone: list[Tensors]) -> bool:
    """Compare each place of the outputs by its own scale, or by what rounding does there.

    The latter is seen only when it is needed: from rows alone whose inputs were touched.
    """
    rows = {name: [parts[name] for parts in alone] for name in together}
    for name, parts in rows.items():
        shapes = {part.shape for part in parts}
        if shapes != {(1, *together[name].shape[1:])} or len(together[name]) != TRIED_ROWS:
            return False
    joined = {name: np.concatenate(parts) for name, parts in rows.items()}
    worse = [name for name, whole in together.items() if not _is_close(joined[name], whole, 0.0)]
    if not worse:
        return True
    touched = _run_alone(run, {name: _touch(array) for name, array in batch.items()})
    for name in worse:
        if joined[name].dtype.kind != "f":
            return False
        other = np.concatenate([parts[name] for parts in touched])
        if other.shape != joined[name].shape:
            return False
        if not _is_close(joined[name], together[name], _spread(joined[name], other)):
            return False
    return True


def _is_close(want: np.ndarray, have: np.ndarray, slack: np.ndarray | float) -> bool:
    """Whether no place differs by more than a part of its largest value over the rows."""
    if want.dtype.kind not in "iuf":
        return np.array_equal(want, have)
    want, have = want.astype("float64"), have.astype("float64")
    largest = np.maximum(np.abs(want).max(axis=0), SMALLEST_COLUMN)
    return bool((np.abs(want - have).max(axis=0) <= MAX_RELATIVE_ERROR * largest + slack).all())


def _spread(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    difference: np.ndarray = np.abs(one.astype("float64") - other.astype("float64")).max(axis=0)
    return difference


def _touch(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], size=array.shape)
    return (array * (1 + TOUCH * signs)).astype(array.dtype)


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
