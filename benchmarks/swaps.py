"""What promotions back and forth cost those whose requests are answered meanwhile.

Two versions of a model of half a megabyte answer differently. At half of what the service can do,
stretches without and with promotions take turns, and are compared within one run.
"""

import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import process
from benchmarks.dialects import Request
from benchmarks.kerasd import Kerasd, kerasd
from benchmarks.scaled import BODY, Scaled
from benchmarks.steady import FAILED, OTHER, Steady, Told, percentile_ms

MODEL = "swapped"
UNITS = 384  # half a megabyte of weights
FACTORS = {1: 10, 2: 20}
CONNECTIONS = 16
CAPACITY_S = 4.0
ROUNDS = 10
PAUSE_S = 0.2
DRAIN = "kerasd_model_drain_duration_seconds"
REQUEST = Request(f"/v1/models/{MODEL}:predict", BODY)


@dataclass(frozen=True, slots=True)
class Swaps:
    """What came of it; the p99s are those of each round, memory is that of all processes.

    `during` are only the requests that were sent while a promotion was under way.

    `old` were answered by the version before, though they were sent after the promotion's answer.
    """

    capacity_per_s: float
    offered_per_s: float
    requests: int
    failed: int
    other: int
    old: int
    steady_p99_ms: Sequence[float]
    swapping_p99_ms: Sequence[float]
    during_p99_ms: float
    swap_ms: Sequence[float]
    drain_ms: float | None
    others_cores: float
    before_mb: float
    after_mb: float

    @property
    def p99_ratio(self) -> float:
        """The median over the rounds of what promotions make of the p99."""
        pairs = zip(self.swapping_p99_ms, self.steady_p99_ms, strict=True)
        return statistics.median(swapping / steady for swapping, steady in pairs)

    @property
    def memory_ratio(self) -> float:
        """Memory after all promotions over that before the first."""
        return self.after_mb / self.before_mb


def measure(top: Path, swaps: int) -> Swaps:
    """Make the models, start the service and promote so often."""
    scaled = Scaled(top / "prototype", UNITS)
    scaled.make()
    for version, factor in FACTORS.items():
        scaled.publish(top / "repository" / MODEL / str(version), factor)
        scaled.give(top / "state", factor)
    with kerasd(top / "repository", top / "state", top / "swaps.log", {}) as service:
        return _measure(service, swaps)


def _measure(service: Kerasd, swaps: int) -> Swaps:
    bodies = {_answer(service): "2"}
    _promote(service, 1)
    bodies[_answer(service)] = "1"
    _promote(service, 2)
    with Steady(service.port, REQUEST, bodies, 0, CONNECTIONS) as eager:
        time.sleep(CAPACITY_S)
    capacity = len(eager.told) / CAPACITY_S
    before = process.resident_mb(service.root)
    rounds = _Rounds(service)
    began, others = time.perf_counter(), process.cpu_seconds_of_others(service.root)
    with Steady(service.port, REQUEST, bodies, capacity / 2, CONNECTIONS) as steady:
        time.sleep(1)  # the first requests meet cold connections
        rounds.go_through(-(-swaps // ROUNDS))
    others = process.cpu_seconds_of_others(service.root) - others
    told = steady.told
    return Swaps(
        capacity_per_s=capacity,
        offered_per_s=capacity / 2,
        requests=len(told),
        failed=sum(each.said == FAILED for each in told),
        other=sum(each.said == OTHER for each in told),
        old=rounds.old(told),
        steady_p99_ms=[percentile_ms(steady.between(*span), 99) for span in rounds.steady],
        swapping_p99_ms=[percentile_ms(steady.between(*span), 99) for span in rounds.swapping],
        during_p99_ms=percentile_ms(rounds.during(told), 99),
        swap_ms=[(ended - began) * 1e3 for began, ended, _ in rounds.swaps],
        drain_ms=_drain_ms(service),
        others_cores=others / (time.perf_counter() - began),
        before_mb=before,
        after_mb=process.resident_mb(service.root),
    )


class _Rounds:
    """A stretch with promotions, then one as long without, and so on."""

    def __init__(self, service: Kerasd) -> None:
        self._service = service
        self.steady: list[tuple[float, float]] = []
        self.swapping: list[tuple[float, float]] = []
        self.swaps: list[tuple[float, float, str]] = []

    def go_through(self, swaps: int) -> None:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(swaps):
                self._swap()
            ended = time.perf_counter()
            time.sleep(ended - began)
            self.swapping.append((began, ended))
            self.steady.append((ended, time.perf_counter()))

    def during(self, told: list[Told]) -> list[Told]:
        """Those that were due while a promotion was under way."""
        begins = np.array([began for began, _, _ in self.swaps])
        at = np.searchsorted(begins, [each.due for each in told]) - 1
        pairs = zip(told, at, strict=True)
        return [each for each, swap in pairs if swap >= 0 and each.due <= self.swaps[swap][1]]

    def old(self, told: list[Told]) -> int:
        """How many were sent after a promotion's answer, and had another before the next one."""
        due = np.array([each.due for each in told])
        done = due + np.array([each.took_s for each in told])
        said = np.array([each.said for each in told])
        begins = [began for began, _, _ in self.swaps[1:]] + [float("inf")]
        found = 0
        for (_, ended, version), following in zip(self.swaps, begins, strict=True):
            other = "1" if version == "2" else "2"
            found += int(((due > ended) & (done < following) & (said == other)).sum())
        return found

    def _swap(self) -> None:
        version = 1 + len(self.swaps) % 2
        began = time.perf_counter()
        _promote(self._service, version)
        self.swaps.append((began, time.perf_counter(), str(version)))
        time.sleep(PAUSE_S)


def _promote(service: Kerasd, version: int) -> None:
    status, body = service.call("POST", f"/v1/models/{MODEL}/versions/{version}:promote")
    if status != 200:
        raise ValueError(f"promotion of version {version} was answered {status}: {body[:300]!r}")


def _answer(service: Kerasd) -> bytes:
    return service.call("POST", REQUEST.path, REQUEST.body)[1]


def _drain_ms(service: Kerasd) -> float | None:
    """How long a version that was let go waited for its last lease, on average."""
    exposition = service.call("GET", "/metrics")[1].decode()
    sums = {
        part: sum(map(float, re.findall(rf"^{DRAIN}_{part}{{[^}}]*}} (\S+)$", exposition, re.M)))
        for part in ("sum", "count")
    }
    return sums["sum"] / sums["count"] * 1e3 if sums["count"] else None
