"""One cell of the table: a contestant under one workload in one round."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks import child, load, process
from benchmarks.engines import Loop
from benchmarks.server import Server
from benchmarks.workloads import IN_PROCESS, Samples, Workload

WARM_UP_S = 1
ENGINE_START_S = 90.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured; a loop in process has no latencies, hence None."""

    contestant: str
    workload: Workload
    round_number: int
    per_s: float
    cpu_us: float
    p50_ms: float | None
    p99_ms: float | None
    resident_mb: float
    errors: int = 0
    others_cores: float | None = None  # what the rest of the machine used up meanwhile


def measure_server(
    server: Server,
    workload: Workload,
    samples: Samples,
    folder: Path,
    seconds: int,
    round_number: int,
) -> Cell:
    """Drive the server, and charge its processor time to the requests that it worked off.

    When wrk stops, one more request a connection is in flight; the server finishes it before it
    settles, so it counts for the processor time, though not for requests per second.
    """
    script = load.write_script(folder, f"rows-{workload.rows}", samples.body(0, workload.rows))
    load.drive(server.url, script, workload.connections, WARM_UP_S)
    server.settle()
    others, before = process.cpu_seconds_of_others(server.root), process.cpu_seconds(server.root)
    seen = load.drive(server.url, script, workload.connections, seconds)
    others = process.cpu_seconds_of_others(server.root) - others
    server.settle()
    cpu_s = process.cpu_seconds(server.root) - before
    return Cell(
        contestant=server.contestant.name,
        workload=workload,
        round_number=round_number,
        per_s=(seen.requests - seen.refused) / seen.duration_s,
        cpu_us=cpu_s * 1e6 / (seen.requests + workload.connections),
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        resident_mb=process.resident_mb(server.root),
        errors=seen.refused + seen.broken,
        others_cores=max(others, 0.0) / seen.duration_s,
    )


def measure_engine(name: str, folder: Path, seconds: float, round_number: int) -> list[Cell]:
    """Run the engine's loops, after a check of its answers, in a child process."""
    limit_s = ENGINE_START_S + seconds * 2 * len(IN_PROCESS)
    arguments = [name, str(folder), str(seconds)]
    text = child.run("engines", arguments, folder / f"{name}.log", limit_s)
    # TensorFlow writes lines of its own before ours.
    loops = [Loop(**each) for each in json.loads(text.strip().splitlines()[-1])]
    workloads = {workload.rows: workload for workload in IN_PROCESS}
    return [
        Cell(
            contestant=name,
            workload=workloads[each.rows],
            round_number=round_number,
            per_s=each.calls_per_s,
            cpu_us=each.cpu_us,
            p50_ms=None,
            p99_ms=None,
            resident_mb=each.resident_mb,
        )
        for each in loops
    ]
