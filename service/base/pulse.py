"""Signs of life of a process without a port, as files; what a container's probe asks of them.

    python -I -m service.base.pulse FILE SECONDS

Healthy is who has beaten within so many seconds. A file's time is the kernel's monotonic one: a
clock that is set neither ends a process nor hides that it hangs. Setting it needs no room on the
disk, so that a full one ends nobody. The probe runs every few seconds: it imports next to nothing.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

EVERY_S = 5.0


class Pulse:
    """One such file, written by one process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._due_at = 0.0

    def beat(self, now: float) -> None:
        """Say at the monotonic time `now` that all is well; often is fine."""
        if now < self._due_at:
            return
        self._due_at = now + EVERY_S
        with suppress(OSError):  # whoever probes finds it old
            self._file.touch(mode=0o600)
            os.utime(self._file, (now, now))

    def stop(self) -> None:
        """Take it back: who has beaten is no more, and who comes has not yet."""
        self._due_at = 0.0
        with suppress(OSError):
            self._file.unlink()


def why_unwell(file: Path, longest_s: float, now: float) -> str:
    """Why whoever writes the file isn't well; empty when it is."""
    try:
        age_s = now - file.stat().st_mtime
    except OSError as error:
        return f"no sign of life yet: {file}: {error.strerror}"
    if age_s < 0:
        return f"{file} was left before this machine has started"
    return "" if age_s <= longest_s else f"the last sign of life is {age_s:.0f} s old"


def main(arguments: Sequence[str]) -> int:
    """0 when it is well; else 1, with a line that says why."""
    file, longest_s = arguments
    why = why_unwell(Path(file), float(longest_s), time.monotonic())
    if why:
        print(why)
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
