"""The tables, drawn from all rounds of a run, for the screen and for a page."""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import goals, ratios, workloads
from benchmarks.goals import OURS
from benchmarks.measurement import Cell
from benchmarks.ratios import cpu_us, per_s
from benchmarks.results import Results, read_results
from benchmarks.workloads import Workload

QUIET_CORES = 0.1
BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"
COLUMNS = ("contestant", "req/s", "CPU µs/req", "p50 ms", "p99 ms", "MB", "errors", "others")
VERSUS = (f"{OURS}: req/s", "CPU")
GOAL_COLUMNS = ("what", "workload", f"{OURS} against", "ratio (rounds)", "goal", "")
OVERLOAD_COLUMNS = (
    *("contestant", "capacity/s", "offered/s", "accepted/s", "refused", "wrong", "lost", "other"),
    *("held back", "p50 ms", "p99 ms", "p99 ms at capacity"),
)


def document(results: Results) -> str:
    """Everything, as Markdown."""
    cells = results.cells
    parts = [str(results.machine), caution(cells)]
    for workload in workloads.ALL:
        parts += _race(cells, workload)
    parts += _loops(cells)
    parts += _starts(results)
    parts += _overload(results)
    parts += ["### Goals", table(GOAL_COLUMNS, _goals(results), left=3)]
    if results.absences:
        lines = [
            f"- {each.contestant}, {each.workload}: {each.reason}" for each in results.absences
        ]
        parts += ["### Not measured", "\n".join(lines)]
    return "\n\n".join(filter(None, parts)) + "\n"


def require_place(page: Path, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Fail before anything is measured that could not be written there."""
    _around(page, marks)


def write_page(page: Path, results: Results) -> None:
    """Put the tables between the two marks of a page."""
    write_place(page, document(results), (BEGIN, END))


def write_place(page: Path, text: str, marks: tuple[str, str]) -> None:
    """Put a text between two marks of a page."""
    begin, end = marks
    before, after = _around(page, marks)
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; all but the first columns are aligned to the right."""
    marks = ["---"] * left + ["---:"] * (len(columns) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, marks, *rows))


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


def _around(page: Path, marks: tuple[str, str]) -> tuple[str, str]:
    before, begin, rest = page.read_text().partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise SystemExit(f"{page} has no place for the tables: {' and '.join(marks)}")
    return before, after


def _race(cells: Sequence[Cell], workload: Workload) -> list[str]:
    """One race: the fastest first, each with what the service is compared with it."""
    names = dict.fromkeys(each.contestant for each in cells if each.workload == workload.name)
    if not names:
        return []
    ours = ratios.cells_of(cells, OURS, workload.name)
    found = [(name, ratios.cells_of(cells, name, workload.name)) for name in names]
    found.sort(key=lambda pair: -statistics.median(map(per_s, pair[1])))
    rows = [[name, *_medians(mine), *_versus(cells, ours, name)] for name, mine in found]
    return [
        f"### {workload.name}",
        workload.title[0].upper() + workload.title[1:] + ".",
        table((*COLUMNS, *VERSUS), rows),
    ]


def _loops(cells: Sequence[Cell]) -> list[str]:
    loops = [each for each in cells if each.p50_ms is None]
    if not loops:
        return []
    rows = []
    for name, workload in dict.fromkeys((each.contestant, each.workload) for each in loops):
        mine = ratios.cells_of(loops, name, workload)
        calls, cost = statistics.median(map(per_s, mine)), statistics.median(map(cpu_us, mine))
        memory = statistics.median(each.resident_mb for each in mine)
        rows.append([name, workload, f"{calls:.0f}", f"{cost:.1f}", f"{memory:.0f}"])
    columns = ("engine", "loop over rows", "calls/s", "CPU µs/call", "MB")
    return ["### In process", table(columns, rows, left=2)]


def _starts(results: Results) -> list[str]:
    if not results.starts:
        return []
    rows = [
        [
            each.contestant,
            each.model,
            f"{each.start_s:.1f}",
            "-" if each.first_s is None else f"{each.first_s:.1f}",
        ]
        for each in results.starts
    ]
    columns = ("contestant", "model", "launch to first right answer, s", "the very first time, s")
    return ["### Cold start", table(columns, rows, left=2)]


def _overload(results: Results) -> list[str]:
    if not results.overloads:
        return []
    rows = [
        [
            each.contestant,
            f"{each.capacity_per_s:.0f}",
            f"{each.offered_per_s:.0f}",
            f"{each.accepted_per_s:.0f}",
            f"{each.refused_share:.0%}",
            *(str(count) for count in (each.wrong, each.lost, each.other, each.held_back)),
            *(f"{value:.0f}" for value in (each.p50_ms, each.p99_ms, each.calm_p99_ms)),
        ]
        for each in results.overloads
    ]
    return ["### overload", table(OVERLOAD_COLUMNS, rows)]


def _goals(results: Results) -> list[list[str]]:
    ours = [each for each in results.overloads if each.contestant == OURS]
    return goals.judge(results.cells) + [row for each in ours for row in goals.judge_overload(each)]


def _versus(cells: Sequence[Cell], ours: Sequence[Cell], rival: str) -> list[str]:
    if rival == OURS:
        return ["-", "-"]
    found = [ratios.compare(cells, ours, rival, quantity) for quantity in (per_s, cpu_us)]
    return [f"{ratios.short(ratio.median)}x" if ratio else "-" for ratio in found]


def _medians(mine: Sequence[Cell]) -> list[str]:
    return [
        f"{statistics.median(map(per_s, mine)):.0f}",
        f"{statistics.median(map(cpu_us, mine)):.0f}",
        _median_of([cell.p50_ms for cell in mine]),
        _median_of([cell.p99_ms for cell in mine]),
        f"{statistics.median(cell.resident_mb for cell in mine):.0f}",
        str(sum(cell.errors for cell in mine)),
        _median_of([cell.others_cores for cell in mine]),
    ]


def _median_of(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.2f}" if known else "-"


if __name__ == "__main__":
    print(document(read_results(Path(sys.argv[1]))))
