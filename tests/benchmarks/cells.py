"""Cells as rounds would have left them."""

from benchmarks import workloads
from benchmarks.measurement import Cell
from benchmarks.workloads import Workload


def cell(
    contestant: str,
    per_s: float,
    round_number: int = 0,
    workload: Workload = workloads.BUSY,
    **more: float,
) -> Cell:
    """One measurement of a race; processor time and latency as given, else a hundred and one."""
    return Cell(
        contestant=contestant,
        workload=workload.name,
        round_number=round_number,
        per_s=per_s,
        cpu_us=more.get("cpu_us", 100.0),
        p50_ms=0.5,
        p99_ms=more.get("p99_ms", 1.0),
        resident_mb=100.0,
        others_cores=more.get("others_cores", 0.0),
    )


def loop(contestant: str, name: str, calls_per_s: float, round_number: int = 0) -> Cell:
    """One loop in process."""
    return Cell(contestant, name, round_number, calls_per_s, 10.0, None, None, 30.0)
