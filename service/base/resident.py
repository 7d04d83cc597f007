"""How much memory this process holds and the machine has, as the kernel counts it."""

import os
import resource
from contextlib import suppress
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process in bytes; 0 where /proc isn't there."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def machine_bytes() -> int:
    """Memory of the machine in bytes, or of the container where that has less."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        return min(limit, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return limit
