"""What the service is held to, each as a ratio in one run, and whether it was reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import ratios, workloads
from benchmarks.measurement import Cell
from benchmarks.overload import Overload
from benchmarks.ratios import Quantity, Spread, cpu_us, p99_ms, per_s
from benchmarks.workloads import Workload

OURS = "kerasd"
TRITON = "triton-py-ort"
BLIND = "kerasd-blind"
OBSERVED = (workloads.BUSY, workloads.BULK, workloads.BULK_BINARY)
PEERS = (TRITON, "mosec", "mlserver", "bentoml", "litserve")
THREEFOLD = ("mosec", "mlserver", "bentoml")
ACCEPTED_SHARE = 0.8
RATE, COST, PATIENCE = "requests per second", "CPU time a request", "p99"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to the hardest of some rivals, and what it has to be; no bound is no goal."""

    what: str
    quantity: Quantity
    workload: Workload
    rivals: tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> str:
        """What is asked, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else ""

    def ratio(self, cells: Sequence[Cell]) -> Spread | None:
        """How the service did; none where it was not measured against any of the rivals."""
        mine = ratios.cells_of(cells, OURS, self.workload.name)
        hardest = min if self.at_most is None else max
        return ratios.compare_hardest(cells, mine, self.rivals, self.quantity, hardest)

    def verdict(self, ratio: Spread | None) -> str:
        """What the median says."""
        if ratio is None:
            return "not measured"
        if self.at_least is not None:
            return "met" if ratio.median >= self.at_least else "MISSED"
        if self.at_most is not None:
            return "met" if ratio.median <= self.at_most else "MISSED"
        return ""


def _single_row(workload: Workload) -> list[Goal]:
    return [
        Goal(RATE, per_s, workload, (TRITON,), at_least=1.5),
        Goal(COST, cpu_us, workload, (TRITON,), at_most=1),
        *(Goal(RATE, per_s, workload, (rival,), at_least=3) for rival in THREEFOLD),
    ]


GOALS = (
    *_single_row(workloads.BUSY),
    *_single_row(workloads.CROWDED),
    Goal(PATIENCE, p99_ms, workloads.BUSY, PEERS, at_most=1),
    Goal(RATE, per_s, workloads.BULK, (TRITON,), at_least=3),
    Goal(RATE, per_s, workloads.BULK_BINARY, (TRITON,), at_least=1),
    Goal(RATE, per_s, workloads.BULK_BINARY, ("onnxruntime",), at_least=0.8),
    Goal(RATE, per_s, workloads.LSTM_CALM, (TRITON,), at_least=1),
    Goal(RATE, per_s, workloads.LSTM_BUSY, (TRITON,)),
    Goal(RATE, per_s, workloads.IMAGE, (TRITON,), at_least=1),
    Goal(RATE, per_s, workloads.BUSY, ("noop-flask",), at_least=1.5),
    Goal(COST, cpu_us, workloads.BUSY, ("noop-flask",), at_most=0.5),
    Goal(RATE, per_s, workloads.BUSY, ("predict-flask",), at_least=100),
    *(Goal(RATE, per_s, each, (BLIND,), at_least=0.95) for each in OBSERVED),
    Goal(RATE, per_s, workloads.BUSY, ("noop-asgi",)),
    Goal(RATE, per_s, workloads.BULK_BINARY, ("noop-asgi",)),
    Goal(COST, cpu_us, workloads.BUSY, ("onnxruntime",)),
    Goal(COST, cpu_us, workloads.BUSY, ("tensorflow",)),
)


def judge(cells: Sequence[Cell]) -> list[list[str]]:
    """One row a goal: what, where, against whom, the ratio, the goal, the verdict."""
    rows = []
    for goal in GOALS:
        ratio = goal.ratio(cells)
        against = goal.rivals[0] if len(goal.rivals) == 1 else "the best peer"
        measured = str(ratio) if ratio else "-"
        rows.append(
            [goal.what, goal.workload.name, against, measured, goal.bound, goal.verdict(ratio)]
        )
    return rows


def judge_overload(found: Overload) -> list[list[str]]:
    """What ten times the capacity must not do to the service."""
    kept = found.accepted_per_s / found.capacity_per_s if found.capacity_per_s else 0.0
    return [
        _row("wrong, lost or other answers", str(found.failed), "none", found.failed == 0),
        _row("told to come again (429)", f"{found.refused_share:.0%}", "some", found.refused > 0),
        _row(
            "answered a second, of the capacity",
            f"{kept:.2f}",
            f"at least {ACCEPTED_SHARE:g}",
            kept >= ACCEPTED_SHARE,
        ),
    ]


def _row(what: str, measured: str, bound: str, is_met: bool) -> list[str]:
    return [what, "overload", "", measured, bound, "met" if is_met else "MISSED"]
