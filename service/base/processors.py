"""How many processors this process may use; Python and TensorFlow count those of the machine."""

import math
import os
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def processors(cgroups: Path = CGROUPS) -> int:
    """Those that it may run on, or as many as its container has the time of, rounded up."""
    free = len(os.sched_getaffinity(0))
    with suppress(
        OSError, ValueError, ZeroDivisionError
    ):  # no container, or one without a limit ("max")
        quota, period = _limit(cgroups)
        if quota > 0:  # -1 is no limit either
            return min(free, math.ceil(quota / period))
    return free


def _limit(cgroups: Path) -> tuple[int, int]:
    """Of so much time, so much may be used, by either version of cgroups."""
    try:
        quota, period = (cgroups / "cpu.max").read_text().split()
    except FileNotFoundError:
        first = cgroups / "cpu"
        quota, period = ((first / f"cpu.cfs_{of}_us").read_text() for of in ("quota", "period"))
    return int(quota), int(period)
