"""How one contestant compares with another: round by round, so a slow hour weighs on both."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import workloads
from benchmarks.measurement import Cell

Quantity = Callable[[Cell], float]
LOOPS = {each.name: workloads.loop_name(each.model, each.rows) for each in workloads.ALL}


@dataclass(frozen=True, slots=True)
class Spread:
    """A ratio over the rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.least)} to {short(self.most)})"


def per_s(cell: Cell) -> float:
    """Requests per second."""
    return cell.per_s


def cpu_us(cell: Cell) -> float:
    """Processor time a request."""
    return cell.cpu_us


def p99_ms(cell: Cell) -> float:
    """What one in a hundred waits longer than; zero where nobody looked."""
    return cell.p99_ms or 0.0


def cells_of(cells: Sequence[Cell], contestant: str, workload: str) -> list[Cell]:
    """One contestant's cells in one race, a round each."""
    return [each for each in cells if (each.contestant, each.workload) == (contestant, workload)]


def compare(
    cells: Sequence[Cell], mine: Sequence[Cell], rival: str, quantity: Quantity
) -> Spread | None:
    """The rounds' own ratios of one contestant to another; none where they never met."""
    found = [_ratio(cells, cell, rival, quantity) for cell in mine]
    return spread([ratio for ratio in found if ratio is not None])


def compare_hardest(
    cells: Sequence[Cell],
    mine: Sequence[Cell],
    rivals: Sequence[str],
    quantity: Quantity,
    hardest: Callable[[list[float]], float],
) -> Spread | None:
    """The same, in each round with that rival who makes it hardest."""
    rounds = []
    for cell in mine:
        found = [_ratio(cells, cell, rival, quantity) for rival in rivals]
        known = [ratio for ratio in found if ratio is not None]
        if known:
            rounds.append(hardest(known))
    return spread(rounds)


def spread(ratios: Sequence[float]) -> Spread | None:
    """Their median and their ends; none if there are none."""
    return Spread(statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


def short(ratio: float) -> str:
    """A ratio with three digits."""
    if 0 < ratio < 0.01:
        return f"1/{1 / ratio:.0f}"
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _ratio(cells: Sequence[Cell], cell: Cell, rival: str, quantity: Quantity) -> float | None:
    other = _opposite(cells, cell, rival)
    if other is None or quantity(other) <= 0:
        return None
    return quantity(cell) / quantity(other)


def _opposite(cells: Sequence[Cell], cell: Cell, rival: str) -> Cell | None:
    """The rival's cell of the same round and race; else its loop over as many rows."""
    for workload in (cell.workload, LOOPS.get(cell.workload)):
        for each in cells:
            if (each.contestant, each.workload) == (rival, workload) and (
                each.round_number == cell.round_number
            ):
                return each
    return None
