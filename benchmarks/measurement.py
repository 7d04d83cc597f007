"""One cell of the table: a contestant in one race in one round."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks import child, load, process
from benchmarks.dialects import Dialect
from benchmarks.engines import Loop
from benchmarks.models import Model
from benchmarks.samples import Samples
from benchmarks.server import Server
from benchmarks.workloads import Workload, loop_name

WARM_UP_S = 1
ENGINE_START_S = 90.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured; a loop in process has no latencies, hence None.

    `workload` is the name of a race or a loop; `others_cores` is what the rest of the machine used
    up meanwhile.
    """

    contestant: str
    workload: str
    round_number: int
    per_s: float
    cpu_us: float
    p50_ms: float | None
    p99_ms: float | None
    resident_mb: float
    errors: int = 0
    others_cores: float | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """One workload, run so many seconds a contestant; scripts for wrk are written to `folder`."""

    workload: Workload
    samples: Samples
    seconds: int
    folder: Path


def measure_server(server: Server, dialect: Dialect, race: Race, round_number: int) -> Cell:
    """Drive the server, and charge its processor time to the requests that it worked off.

    When wrk stops, one more request a connection is in flight; the server finishes it before it
    settles, so it counts for the processor time, though not for requests per second.
    """
    workload, contestant = race.workload, server.contestant
    request = dialect.ask(workload.model, race.samples.rows[: workload.rows])
    script = load.write_script(race.folder, f"{contestant.name}-{workload.name}", request)
    url, connections = server.url(request), workload.connections
    load.drive(url, script, connections, WARM_UP_S)
    server.settle()
    others, before = process.cpu_seconds_of_others(server.root), process.cpu_seconds(server.root)
    seen = load.drive(url, script, connections, race.seconds * contestant.times_seconds)
    others = process.cpu_seconds_of_others(server.root) - others
    server.settle()
    cpu_s = process.cpu_seconds(server.root) - before
    return Cell(
        contestant=contestant.name,
        workload=workload.name,
        round_number=round_number,
        per_s=(seen.requests - seen.refused) / seen.duration_s,
        cpu_us=cpu_s * 1e6 / (seen.requests + connections),
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        resident_mb=process.resident_mb(server.root),
        errors=seen.refused + seen.broken,
        others_cores=max(others, 0.0) / seen.duration_s,
    )


def measure_engine(
    name: str, model: Model, top: Path, seconds: float, round_number: int
) -> list[Cell]:
    """Run the engine's loops, after a check of its answers, in a child process."""
    log = model.folder(top) / f"{name}.log"
    arguments = [name, model.name, str(top), str(seconds)]
    text = child.run("engines", arguments, log, ENGINE_START_S + seconds * 4)
    # TensorFlow writes lines of its own before ours.
    loops = [Loop(**each) for each in json.loads(text.strip().splitlines()[-1])]
    return [
        Cell(
            contestant=name,
            workload=loop_name(model, each.rows),
            round_number=round_number,
            per_s=each.calls_per_s,
            cpu_us=each.cpu_us,
            p50_ms=None,
            p99_ms=None,
            resident_mb=each.resident_mb,
        )
        for each in loops
    ]
