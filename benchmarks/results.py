"""All that one run came to; written as JSON, so that the tables can be drawn again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.measurement import Cell
from benchmarks.overload import Overload


@dataclass(frozen=True, slots=True)
class Start:
    """How long a server took from its launch to its first right answer.

    `first_s` is its very first start, where that did work which later ones find done.
    """

    contestant: str
    model: str
    start_s: float
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """Who did not take part in what, and why; nobody is left out in silence."""

    contestant: str
    workload: str
    reason: str


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    machine: Machine
    cells: Sequence[Cell] = ()
    starts: Sequence[Start] = ()
    overloads: Sequence[Overload] = ()
    absences: Sequence[Absence] = ()


def write_results(path: Path, results: Results) -> None:
    """Keep every figure of every round."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n")


def read_results(path: Path) -> Results:
    """Read back what was kept."""
    kept = json.loads(path.read_text())
    return Results(
        machine=Machine(**kept["machine"]),
        cells=[Cell(**each) for each in kept["cells"]],
        starts=[Start(**each) for each in kept["starts"]],
        overloads=[Overload(**each) for each in kept["overloads"]],
        absences=[Absence(**each) for each in kept["absences"]],
    )
