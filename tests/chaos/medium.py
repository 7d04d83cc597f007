"""A small disk that can be filled up and emptied."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BLOCK = b"\0" * 4096


def require_root(what: str) -> None:
    """Fail with a reason where the test can't do what it needs to."""
    assert os.geteuid() == 0, f"{what} needs root: run it as root, or in a container"


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted tmpfs; the filler takes what is free."""

    folder: Path

    def fill(self, left: int = 0) -> None:
        """Take all space but so many bytes."""
        room = os.statvfs(self.folder)
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for _ in range(max(0, room.f_bavail * room.f_frsize - left) // len(BLOCK)):
                try:
                    file.write(BLOCK)
                except OSError as error:
                    if error.errno != errno.ENOSPC:  # somebody else was quicker
                        raise
                    return

    def empty(self) -> None:
        """Give it back."""
        (self.folder / "filler").unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """A tmpfs of this size for as long as the block lasts."""
    require_root("mounting a tmpfs")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={mebibytes}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
