"""How a mirror stands, in a file beside it: scrapes are answered by other processes."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "status.json"
WHOLE = "whole"  # a file that says that models are mirrored here, not only what is told of them


@dataclass(frozen=True, slots=True)
class Status:
    """`why` says why the repository can't be used; times are seconds since the epoch.

    `incomplete` are versions and files that are there but can't be taken.
    """

    is_up: bool = False
    why: str = "nobody has looked yet"
    synced_at: float = 0.0
    bytes: int = 0
    requests_failed: int = 0
    incomplete: int = 0
    versions: int = 0

    def write(self, folder: Path) -> None:
        """Leave it for others; a full disk doesn't stop the mirror."""
        with suppress(OSError):
            aside = folder / f"{FILE}.new"
            aside.write_text(json.dumps(asdict(self)))
            aside.replace(folder / FILE)


def read_status(folder: Path) -> Status | None:
    """What the mirror's keeper has left last; none if there is none."""
    try:
        return status_of(json.loads((folder / FILE).read_bytes()))
    except (OSError, ValueError):
        return None


def status_of(record: Any) -> Status | None:
    """What was written down; none where it isn't a status as this release knows it."""
    try:
        return Status(**record)
    except TypeError:
        return None
