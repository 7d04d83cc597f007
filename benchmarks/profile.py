"""Where the time of one request goes, from socket to socket: `python -m benchmarks.profile`.

One real web worker of the service is asked by wrk, first as it is and then under cProfile, which
makes Python functions dearer than they are and measures by the clock, other processes' turns
included. So its shares are hints, and the processor time a request is that of the first stretch.
What uvloop does itself, such as writing to the socket, counts for whoever calls it; only the loop's
own thread is seen.
"""

import argparse
import json
import os
import pstats
import signal
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import child, load, places, workloads
from benchmarks.contestants import PROGRAMS, ROOT, contestants
from benchmarks.phase import say
from benchmarks.places import Stats
from benchmarks.report import table
from benchmarks.samples import read_samples
from benchmarks.server import started
from benchmarks.workloads import Workload

MODEL_MAKING_S = 240.0
MOST_PLACES = 30
MOST_FUNCTIONS = 40
SIGNAL_S = 0.2
US = 1e6


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the worker used while so many requests were answered."""

    requests: int
    user_s: float
    system_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A stretch without the profiler, one with it, and what that one saw."""

    plain: Stretch
    profiled: Stretch
    stats: Stats


def main() -> None:
    """Profile one workload and print two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--workload", choices=workloads.NAMES, default=workloads.BUSY.name)
    parser.add_argument("--seconds", type=int, default=4, help="length of each stretch (4)")
    given = parser.parse_args()
    workload = next(each for each in workloads.ALL if each.name == given.workload)
    load.require_wrk()
    with tempfile.TemporaryDirectory(prefix="kerasd-profile-") as temporary:
        profile = _take(workload, given.seconds, Path(temporary))
    print(f"{workload.title}, one worker\n\n{render(profile, str(ROOT))}")


def _take(workload: Workload, seconds: int, top: Path) -> Profile:
    model = workload.model
    say("making the model and compiling it")
    child.run("make_models", [str(top), model.name], top / "models.log", MODEL_MAKING_S)
    samples = read_samples(model, top)
    real = contestants(model, top)[0]
    dialect = real.dialect(workload)
    assert dialect is not None
    log, out = model.folder(top) / "kerasd.log", model.folder(top) / "stretches"
    with started(real, dialect, samples, log):
        pass  # the worker below finds the model compiled
    program = (str(PROGRAMS / "python"), "-m", "benchmarks.profiled_server", str(out), "{port}")
    repository = {"KERASD_REPOSITORY": str(model.repository(top))}
    watched = replace(real, command=program, environment={**real.environment, **repository})
    request = dialect.ask(model, samples.rows[: workload.rows])
    script = load.write_script(top, "profile", request)
    with started(watched, dialect, samples, log) as server:
        worker = int(out.with_suffix(".pid").read_text())
        url, connections = server.url(request), workload.connections
        load.drive(url, script, connections, seconds)
        counts = []
        for _ in range(2):
            _signal(worker)
            counts.append(load.drive(url, script, connections, seconds).requests + connections)
            server.settle()
            _signal(worker)
    return _read(out, counts)


def _signal(worker: int) -> None:
    os.kill(worker, signal.SIGUSR2)
    time.sleep(SIGNAL_S)


def _read(out: Path, counts: list[int]) -> Profile:
    used = json.loads(out.with_suffix(".json").read_text())
    plain, profiled = (
        Stretch(count, end[0] - begin[0], end[1] - begin[1])
        for count, begin, end in zip(counts, used[::2], used[1::2], strict=True)
    )
    loaded: Any = pstats.Stats(str(out.with_suffix(".profile")))
    return Profile(plain, profiled, loaded.stats)


def render(profile: Profile, root: str) -> str:
    """Processor time a request, then places and functions by the time in them itself."""
    plain, count = profile.plain, profile.profiled.requests
    user, system = (each * US / plain.requests for each in (plain.user_s, plain.system_s))
    spent = places.places(profile.stats, root)
    total = sum(spent.values())
    rows = [
        [place, f"{seconds * US / count:.1f}", f"{seconds / total:.1%}"]
        for place, seconds in [*spent.items()][:MOST_PLACES]
    ]
    dearest = [
        [label.replace("|", "\\|"), f"{calls / count:.2f}", f"{seconds * US / count:.2f}"]
        for label, calls, seconds in places.functions(profile.stats, root)[:MOST_FUNCTIONS]
    ]
    return "\n\n".join(
        [
            f"CPU a request without the profiler: {user + system:.1f} µs, "
            f"{user:.1f} of it in the program and {system:.1f} in the kernel.",
            table(("where", "µs a request, profiled", "share"), rows),
            table(("function", "calls a request", "µs in itself, profiled"), dearest),
        ]
    )


if __name__ == "__main__":
    main()
