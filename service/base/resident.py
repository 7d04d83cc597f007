"""How much memory this process holds, as the kernel counts it."""

import resource
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process in bytes; 0 where /proc isn't there."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
