"""How a version is run: where, gathered or not, with how many threads; a pure choice.

It follows from what was measured when the version was loaded and from what `model.yaml` wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from service.runtime.measurement import TRIED_ROWS, Measured, Rows

Place = Literal["loop", "thread"]

LOOP_RUN_S = 0.001  # for so long a run may hold up the event loop, and with it every other request
GATHER_S = 0.000002  # what a request pays for being gathered and split off again, at worst
CLEARLY = 1.2
SHORTEST_ROW_S = 1e-9

WHY_NOT = {
    Rows.INTERACTING: "not batched: an answer depends on the rows beside it",
    Rows.FIXED: "not batched: the model takes a fixed number of rows",
    Rows.UNTRIED: "not batched: it could not be tried whether rows keep to themselves",
}


class Batching(Protocol):
    """What `model.yaml` says of batching."""

    @property
    def mode(self) -> Literal["auto", "on", "off"]: ...

    @property
    def max_batch_size(self) -> int: ...

    @property
    def max_wait_ms(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """`loop_rows` is the longest run that stays on the event loop, 0 if none does.

    `max_batch_size` is the rows that requests are gathered to; `parallel` is the runs at a time.
    """

    is_batched: bool
    max_batch_size: int
    max_wait_s: float
    loop_rows: int
    parallel: int
    threads: int
    times: Mapping[int, float]
    why: str

    @property
    def place(self) -> Place:
        """Where a usual run takes place."""
        return "loop" if self.loop_rows else "thread"

    def as_json(self) -> dict[str, object]:
        """The plan with its figures, as the routes about a model's configuration show it."""
        return {
            "place": self.place,
            "batching": self.is_batched,
            "max_batch_size": self.max_batch_size,
            "max_wait_ms": self.max_wait_s * 1000,
            "loop_rows": self.loop_rows,
            "parallel_runs": self.parallel,
            "threads": self.threads,
            "measured_ms": {
                str(rows): round(taken * 1000, 4) for rows, taken in self.times.items()
            },
            "why": self.why,
        }


def choose_plan(measured: Measured, batching: Batching, run_threads: int = 1) -> Plan:
    """The plan for one version; `run_threads` is how many threads there are for runs."""
    is_batched, why_batched = _choose_batching(measured, batching)
    loop_rows = _loop_rows(measured, batching.max_batch_size if is_batched else 1)
    size = batching.max_batch_size if is_batched else 1
    parallel = run_threads
    if is_batched and measured.runtime == "onnx":  # runs beyond the cores only make batches smaller
        parallel = max(1, min(run_threads, measured.cores // measured.threads))
    return Plan(
        is_batched=is_batched,
        max_batch_size=min(size, loop_rows) if loop_rows else size,
        max_wait_s=batching.max_wait_ms / 1000 if is_batched else 0.0,
        loop_rows=loop_rows,
        parallel=parallel,
        threads=measured.threads,
        times=dict(measured.times),
        why=f"{_why_there(measured, loop_rows)}; {why_batched}",
    )


def estimate(times: Mapping[int, float], rows: int) -> float:
    """Seconds of a run of so many rows, on the line through the measured sizes around it."""
    sizes = sorted(times)
    if len(sizes) < 2:
        return times[sizes[0]] * max(1.0, rows / sizes[0])
    above = next((i for i, size in enumerate(sizes) if size >= rows), len(sizes) - 1)
    low, high = sizes[max(0, above - 1)], sizes[max(1, above)]
    slope = max(0.0, times[high] - times[low]) / (high - low)
    return max(times[low] + slope * (rows - low), 0.0)


def _choose_batching(measured: Measured, batching: Batching) -> tuple[bool, str]:
    """Unasked, only what was proved and then tried; asked, all but what the trial forbids."""
    rows = measured.rows
    if batching.mode == "off":
        return False, "not batched: model.yaml says so"
    if batching.mode == "on" and rows in (Rows.INDEPENDENT, Rows.UNTRIED):
        return True, "batched: model.yaml says so"
    if rows is not Rows.INDEPENDENT:
        return False, WHY_NOT[rows]
    if measured.rows_doubt:
        return False, f"not batched: rows may depend on one another: {measured.rows_doubt}"
    if batching.max_batch_size == 1 or not {1, TRIED_ROWS} <= set(measured.times):
        return False, "not batched: there is nothing to gather or nothing measured"
    alone = measured.times[1]
    gathered = measured.times[TRIED_ROWS] / TRIED_ROWS + GATHER_S
    pays = alone > CLEARLY * gathered
    return pays, (
        f"{'batched' if pays else 'not batched'}: a row takes {_ms(alone)} alone and "
        f"{_ms(gathered)} among {TRIED_ROWS}, gathering included"
    )


def _loop_rows(measured: Measured, batch_rows: int) -> int:
    """The most rows of which a run is short enough; 0 if usual runs aren't.

    A usual run is one row, or the eight that batching was measured with.
    """
    times = measured.times
    usual = min(batch_rows, TRIED_ROWS)
    if measured.runtime != "onnx" or not times or estimate(times, usual) > LOOP_RUN_S:
        return 0
    largest = max(times)
    if times[largest] <= LOOP_RUN_S:
        row_s = max(times[largest] / largest, SHORTEST_ROW_S)
        return largest + int((LOOP_RUN_S - times[largest]) / row_s)
    return max(rows for rows in range(usual, largest) if estimate(times, rows) <= LOOP_RUN_S)


def _why_there(measured: Measured, loop_rows: int) -> str:
    if measured.runtime == "tensorflow":
        return "in a thread: it waits for TensorFlow's process"
    if not measured.times:
        return "in a thread: nothing could be measured"
    least = min(measured.times)
    if not loop_rows:
        return f"in a thread: a run of {_rows(least)} takes {_ms(measured.times[least])}"
    return f"on the event loop: a run of {_rows(least)} takes {_ms(measured.times[least])}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
