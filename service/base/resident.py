"""How much memory this process holds and the machine has, as the kernel counts it."""

import ctypes
import os
import resource
from contextlib import suppress
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process in bytes; 0 where /proc isn't there."""
    return _pages()[0] * resource.getpagesize()


def anonymous_bytes() -> int:
    """The same without what lies in files, such as the code of libraries."""
    resident, of_files = _pages()
    return (resident - of_files) * resource.getpagesize()


def give_back() -> None:
    """Have the C library return its free memory to the kernel; other threads go on meanwhile."""
    with suppress(OSError, AttributeError):  # only glibc has this
        ctypes.CDLL(None).malloc_trim(0)


def used_bytes() -> int:
    """Anonymous memory, once what is free has gone back: to be compared with a later call."""
    give_back()
    return anonymous_bytes()


def machine_bytes() -> int:
    """Memory of the machine in bytes, or of the container where that has less."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        return min(limit, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return limit


def _pages() -> tuple[int, int]:
    """Resident pages of this process, and those of them that lie in files."""
    try:
        _, resident, of_files, *_ = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0, 0
    return int(resident), int(of_files)
