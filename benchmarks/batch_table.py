"""The table about batch predictions, with what they are held to."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Protocol

from benchmarks.batch_contestants import KERASD, KERASD_ALL, PREDICT, Figures
from benchmarks.report import table

TIMES, MOST_MB = 3.0, 512.0
COLUMNS = (
    "way",
    "rows/s",
    "of model.predict (rounds)",
    "rows/s with its start",
    "CPU s",
    "peak MiB",
)


class Ran(Protocol):
    """One contestant once."""

    @property
    def figures(self) -> Figures: ...

    @property
    def life_s(self) -> float: ...


def document(where: str, found: Mapping[str, Sequence[Ran]]) -> str:
    """All of it, as Markdown."""
    rows = [_row(name, runs, found[PREDICT]) for name, runs in found.items()]
    goals = [_goal(name, found) for name in (KERASD, KERASD_ALL)]
    held = table(("goal", "times model.predict", "peak MiB", ""), goals)
    return f"{where}\n\n{table(COLUMNS, rows)}\n\n{held}\n"


def _row(name: str, runs: Sequence[Ran], base: Sequence[Ran]) -> tuple[str, ...]:
    ratios = ratios_of(runs, base)
    by_round = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    whole = statistics.median(run.figures.rows / run.life_s for run in runs)
    return (
        name,
        f"{statistics.median(map(_speed, runs)):,.0f}",
        f"{statistics.median(ratios):.2f} ({by_round})",
        f"{whole:,.0f}",
        f"{statistics.median(run.figures.cpu_s for run in runs):.1f}",
        f"{max(run.figures.peak_mb for run in runs):.0f}",
    )


def ratios_of(runs: Sequence[Ran], base: Sequence[Ran]) -> list[float]:
    """How many times as many rows a second, round by round."""
    return [_speed(ours) / _speed(theirs) for ours, theirs in zip(runs, base, strict=True)]


def _goal(name: str, found: Mapping[str, Sequence[Ran]]) -> tuple[str, ...]:
    ratio = statistics.median(ratios_of(found[name], found[PREDICT]))
    peak = max(run.figures.peak_mb for run in found[name])
    is_met = ratio >= TIMES and peak < MOST_MB
    wanted = f"{name}: at least {TIMES:g} times, below {MOST_MB:g} MiB"
    return wanted, f"{ratio:.2f}", f"{peak:.0f}", "met" if is_met else "MISSED"


def _speed(run: Ran) -> float:
    return run.figures.rows / run.figures.work_s
