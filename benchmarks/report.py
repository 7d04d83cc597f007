"""The table, the ratios and the goals, drawn from the cells of all rounds."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measurement import Cell
from benchmarks.workloads import BUSY, IN_PROCESS

Quantity = Callable[[Cell], float]

OURS = "kerasd"
QUIET_CORES = 0.1
RIVALS = ("noop-flask", "predict-flask", "onnxruntime", "tensorflow")
COLUMNS = (
    "contestant",
    "workload",
    "req/s",
    "CPU µs/req",
    "p50 ms",
    "p99 ms",
    "MB",
    "errors",
    "others",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A ratio over the rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.least)} to {_short(self.most)})"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of the service to a rival, and what it has to be, where something is asked of it."""

    title: str
    rival: str
    quantity: Quantity
    at_least: float | None = None
    at_most: float | None = None

    def verdict(self, ratio: Spread) -> str:
        """What the median says."""
        if self.at_least is not None:
            word = "met" if ratio.median >= self.at_least else "MISSED"
            return f"goal >= {self.at_least:g}: {word}"
        if self.at_most is not None:
            word = "met" if ratio.median <= self.at_most else "MISSED"
            return f"goal <= {self.at_most:g}: {word}"
        return "no goal"


def per_s(cell: Cell) -> float:
    """Requests per second."""
    return cell.per_s


def cpu_us(cell: Cell) -> float:
    """Processor time a request."""
    return cell.cpu_us


GOALS = (
    Goal("requests per second, kerasd / noop-flask", "noop-flask", per_s, at_least=1.5),
    Goal("CPU per request, kerasd / noop-flask", "noop-flask", cpu_us, at_most=0.5),
    Goal("requests per second, kerasd / predict-flask", "predict-flask", per_s, at_least=100),
    Goal("CPU per request, kerasd / bare ONNX Runtime", "onnxruntime", cpu_us),
    Goal("CPU per request, kerasd / bare TensorFlow", "tensorflow", cpu_us),
)


def table(cells: Sequence[Cell]) -> str:
    """One Markdown table: medians, and how each compares with the rivals."""
    rivals = [name for name in RIVALS if any(cell.contestant == name for cell in cells)]
    head = [*COLUMNS, *(f"vs {name}: req/s, CPU" for name in rivals)]
    rows = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for name, workload in dict.fromkeys((cell.contestant, cell.workload) for cell in cells):
        mine = [cell for cell in cells if (cell.contestant, cell.workload) == (name, workload)]
        ratios = [_versus(cells, mine, rival) for rival in rivals]
        rows.append([name, workload.name, *_medians(mine), *ratios])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def goals(cells: Sequence[Cell]) -> list[str]:
    """One line a goal, taken at one row and sixteen connections."""
    mine = [cell for cell in cells if (cell.contestant, cell.workload) == (OURS, BUSY)]
    lines = []
    for goal in GOALS:
        ratio = compare(cells, mine, goal.rival, goal.quantity)
        said = f"{ratio}, {goal.verdict(ratio)}" if ratio else "not measured"
        lines.append(f"- {goal.title} ({BUSY.name}): {said}")
    return lines


def caution(cells: Sequence[Cell]) -> str:
    """Say so where somebody else used the machine; empty where nobody did."""
    known = [cell.others_cores for cell in cells if cell.others_cores is not None]
    disturbed = [cores for cores in known if cores > QUIET_CORES]
    if not disturbed:
        return ""
    return (
        f"Caution: in {len(disturbed)} of {len(known)} measurements others used more than "
        f"{QUIET_CORES} cores (at most {max(known):.2f}); requests per second and p99 are hints."
    )


def compare(
    cells: Sequence[Cell], mine: Sequence[Cell], rival: str, quantity: Quantity
) -> Spread | None:
    """Each round's ratio to the rival in that round, so that a slow hour weighs on both sides."""
    ratios = []
    for cell in mine:
        other = _opposite(cells, cell, rival)
        if other is not None and quantity(other) > 0:
            ratios.append(quantity(cell) / quantity(other))
    return Spread(statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


def _opposite(cells: Sequence[Cell], cell: Cell, rival: str) -> Cell | None:
    """The rival's cell of the same round and workload; else its loop over as many rows."""
    same = [
        each for each in cells if (each.contestant, each.round_number) == (rival, cell.round_number)
    ]
    loops = (each for each in IN_PROCESS if each.rows == cell.workload.rows)
    for workload in (cell.workload, *loops):
        for each in same:
            if each.workload == workload:
                return each
    return None


def _versus(cells: Sequence[Cell], mine: Sequence[Cell], rival: str) -> str:
    if mine[0].contestant == rival:
        return "-"
    ratios = [compare(cells, mine, rival, quantity) for quantity in (per_s, cpu_us)]
    return ", ".join(f"{_short(ratio.median)}x" for ratio in ratios if ratio) or "-"


def _medians(mine: Sequence[Cell]) -> list[str]:
    return [
        f"{statistics.median(map(per_s, mine)):.0f}",
        f"{statistics.median(map(cpu_us, mine)):.1f}",
        _median_of([cell.p50_ms for cell in mine]),
        _median_of([cell.p99_ms for cell in mine]),
        f"{statistics.median(cell.resident_mb for cell in mine):.0f}",
        str(sum(cell.errors for cell in mine)),
        _median_of([cell.others_cores for cell in mine]),
    ]


def _median_of(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.2f}" if known else "-"


def _short(ratio: float) -> str:
    if 0 < ratio < 0.01:
        return f"1/{1 / ratio:.0f}"
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"
