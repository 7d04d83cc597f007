"""What can be asked of `python -m benchmarks.run`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contestants, engines, workloads

OVERLOAD = "overload"
WORKLOADS = (*workloads.NAMES, OVERLOAD)
CONTESTANTS = (*contestants.NAMES, *engines.NAMES)


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    seconds: int
    rounds: int
    only: tuple[str, ...]
    workloads: tuple[str, ...]
    json: Path | None
    write: Path | None


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; ends the program where it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Measure the service and what it is compared with, side by side.",
    )
    parser.add_argument("--seconds", type=int, default=4, help="length of one measurement (4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everyone is measured (3)")
    parser.add_argument("--only", metavar="A,B", help=f"some of {', '.join(CONTESTANTS)}")
    parser.add_argument(
        "--workload", metavar="A,B", help=f"some of {', '.join(WORKLOADS)}, or how they begin"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every cell here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    given = parser.parse_args(arguments)
    only = tuple(given.only.split(",")) if given.only else CONTESTANTS
    unknown = sorted(set(only) - set(CONTESTANTS))
    if unknown:
        parser.error(f"no such contestant: {', '.join(unknown)}; see --help")
    chosen = choose(given.workload.split(",") if given.workload else WORKLOADS)
    if not chosen:
        parser.error(f"no such workload: {given.workload}; there are {', '.join(WORKLOADS)}")
    if given.seconds < 1 or given.rounds < 1:
        parser.error("--seconds and --rounds start at 1")
    return Options(given.seconds, given.rounds, only, chosen, given.json, given.write)


def choose(beginnings: Sequence[str]) -> tuple[str, ...]:
    """The workloads with these names; where there is none, those that begin so."""
    chosen = []
    for given in beginnings:
        exact = [name for name in WORKLOADS if name == given]
        chosen += exact or [name for name in WORKLOADS if name.startswith(given)]
    return tuple(name for name in WORKLOADS if name in chosen)
