"""One command that measures the service and its rivals side by side: `python -m benchmarks.run`."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks import answers, child, engines, load, machine, report
from benchmarks.contestants import Contestant, servers
from benchmarks.measurement import Cell, measure_engine, measure_server
from benchmarks.server import Server, ServerFailed, started
from benchmarks.workloads import ALL, Samples, read_samples

MODEL_MAKING_S = 120.0
ENGINE_SHARE = 0.25
Taker = TypeVar("Taker")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    seconds: int
    rounds: int
    only: tuple[str, ...]
    at_most_s: float
    json: Path | None


@dataclass(frozen=True, slots=True)
class Race:
    """Who takes part, all servers up, and the folder in which everything of this run lies."""

    servers: list[Server]
    engines: list[str]
    samples: Samples
    folder: Path


def main() -> None:
    """Measure, and print the table; what is going on goes to the standard error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options = _read_options()
    here = machine.look()
    try:
        load.require_wrk()
        with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-") as temporary:
            cells = _run(options, Path(temporary))
    except (ServerFailed, child.ChildFailed, load.LoadFailed) as error:
        sys.exit(f"benchmark failed: {error}")
    except KeyboardInterrupt:
        sys.exit("benchmark interrupted")
    goals = report.goals(cells)
    parts = [str(here), report.table(cells), "Goals:", "\n".join(goals), report.caution(cells)]
    print("\n\n".join(filter(None, parts)))
    if options.json:
        found = {"machine": asdict(here), "goals": goals, "cells": [asdict(each) for each in cells]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if any(each.errors for each in cells):
        sys.exit("requests failed, see the column of errors: these figures mean nothing")


def _run(options: Options, folder: Path) -> list[Cell]:
    began = time.monotonic()
    _say("making the model")
    child.run("model", [str(folder)], folder / "model.log", MODEL_MAKING_S)
    with ExitStack() as stack:
        race = Race(
            servers=[
                stack.enter_context(started(each, folder)) for each in _chosen(options, folder)
            ],
            engines=[name for name in engines.NAMES if name in options.only],
            samples=read_samples(folder),
            folder=folder,
        )
        # Nothing is measured before everyone is right.
        for server in race.servers:
            worst = answers.check(server, race.samples)
            _say(f"{server.contestant.name} is up, at most {worst:.1g} from Keras")
        cells = _measure(race, options, began)
    _say(f"took {time.monotonic() - began:.0f} s")
    return cells


def _chosen(options: Options, folder: Path) -> Iterator[Contestant]:
    for contestant in servers(folder):
        if contestant.name in options.only:
            _say(f"starting {contestant.name}")
            yield contestant


def _measure(race: Race, options: Options, began: float) -> list[Cell]:
    cells: list[Cell] = []
    longest_s = 0.0
    for number in range(options.rounds):
        round_began = time.monotonic()
        if number and round_began - began + longest_s > options.at_most_s:
            _say(f"round {number + 1} would end after {options.at_most_s:.0f} s: left out")
            break
        for cell in _measure_round(race, options.seconds, number):
            cells.append(cell)
            rate = f"{cell.per_s:9.1f}/s {cell.cpu_us:9.1f} us"
            _say(f"round {number + 1}: {cell.contestant:13} {cell.workload.name:20} {rate}")
        longest_s = max(longest_s, time.monotonic() - round_began)
    return cells


def _measure_round(race: Race, seconds: int, number: int) -> Iterator[Cell]:
    """Workload by workload, the rivals back to back; who begins changes with the round."""
    for workload in ALL:
        for server in _turned(race.servers, number):
            if workload in server.contestant.workloads:
                length_s = seconds * server.contestant.times_seconds
                yield measure_server(server, workload, race.samples, race.folder, length_s, number)
    for name in _turned(race.engines, number):
        yield from measure_engine(name, race.folder, seconds * ENGINE_SHARE, number)


def _turned(items: Sequence[Taker], number: int) -> list[Taker]:
    first = number % max(len(items), 1)
    return [*items[first:], *items[:first]]


def _read_options() -> Options:
    names = [*(each.name for each in servers(Path())), *engines.NAMES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="length of one measurement (4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everyone is measured (3)")
    parser.add_argument("--only", metavar="A,B", help=f"some of {', '.join(names)}")
    parser.add_argument(
        "--at-most",
        type=float,
        default=350,
        metavar="S",
        help="begin no round that ends later (350)",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every cell here")
    given = parser.parse_args()
    only = tuple(given.only.split(",")) if given.only else tuple(names)
    unknown = sorted(set(only) - set(names))
    if unknown:
        parser.error(f"no such contestant: {', '.join(unknown)}; there are {', '.join(names)}")
    if given.seconds < 1 or given.rounds < 1:
        parser.error("--seconds and --rounds start at 1")
    return Options(given.seconds, given.rounds, only, given.at_most, given.json)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
