"""How many bytes may still come to a disk: all that is free but what the database beside needs.

SQLite refuses every write on a disk that is full, and nothing can be put right there either.
"""

import shutil
from pathlib import Path

RESERVE = 64 * 1024**2
RESERVED_SHARE = 20  # of a small disk one part in so many


def free_room(folder: Path) -> int:
    """Bytes that may come into a folder. Raises OSError where there is none."""
    disk = shutil.disk_usage(folder)
    return max(0, disk.free - min(RESERVE, disk.total // RESERVED_SHARE))
