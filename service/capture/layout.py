"""Where captured inputs lie, and what their files' names tell.

    <capture_dir>/<model>/<day>/<hour>-v<version>-<form>-<writer>-<number>.parquet

Day and hour are those of the predictions, in UTC. `form` stands for names, dtypes and shapes of the
inputs inside, so that files of one form can be merged; `writer` is drawn anew by each worker, and
is `merged` in the names of merged files. What is still being written has a name that begins with a
dot, and no reader looks at it. A file that has its name is whole and never changed: it is replaced
by rename, or removed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from service.base.names import is_model_name

HOUR = 3600 * 1000
DAY_HOURS = 24
MERGED = "merged"
SUFFIX = ".parquet"
FILE = re.compile(
    r"([01][0-9]|2[0-3])-v([1-9][0-9]{0,9})-([0-9a-f]{8})-([0-9a-f]{12}|merged)-([0-9]{6,})\.parquet"
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EPOCH = date(1970, 1, 1)

Group = tuple[int, int, str]  # hour since 1970, version, form


@dataclass(frozen=True, slots=True)
class CapturedFile:
    """One file, by its name; `hour` counts since 1970."""

    path: Path
    hour: int
    version: int
    form: str
    writer: str
    number: int

    @property
    def group(self) -> Group:
        """Files of one group may be merged."""
        return self.hour, self.version, self.form

    @property
    def is_merged(self) -> bool:
        """True for one that others were merged into."""
        return self.writer == MERGED


def hour_of(at: int) -> int:
    """The number of the hour since 1970, of a time in milliseconds."""
    return at // HOUR


def path_of(folder: Path, group: Group, writer: str, number: int) -> Path:
    """Where a file of a model's folder lies."""
    hour, version, form = group
    day = EPOCH + timedelta(days=hour // DAY_HOURS)
    name = f"{hour % DAY_HOURS:02}-v{version}-{form}-{writer}-{number:06}{SUFFIX}"
    return folder / day.isoformat() / name


def models(capture_dir: Path) -> list[str]:
    """The models of which anything is kept."""
    return sorted(path.name for path in _entries(capture_dir) if is_model_name(path.name))


def files(
    folder: Path, since: int | None = None, until: int | None = None
) -> Iterator[CapturedFile]:
    """The files of a model with predictions of these times (in ms), by hour; a day at a time."""
    first = None if since is None else hour_of(since)
    last = None if until is None else hour_of(until - 1)
    for path in days(folder):
        day = (date.fromisoformat(path.name) - EPOCH).days * DAY_HOURS
        if (last is not None and day > last) or (first is not None and day + DAY_HOURS <= first):
            continue
        found = [file for entry in _entries(path) if (file := _parse(entry, day))]
        for file in sorted(found, key=lambda one: (one.hour, one.path.name)):
            if (first is None or first <= file.hour) and (last is None or file.hour <= last):
                yield file


def days(folder: Path) -> list[Path]:
    """The folders of the days of a model, the oldest first."""
    return sorted(path for path in _entries(folder) if DAY.fullmatch(path.name) and _is_date(path))


def leftovers(folder: Path, before: float) -> list[Path]:
    """Files that were never finished, and that nobody has written to since (seconds)."""
    return [
        path
        for day in days(folder)
        for path in _entries(day)
        if path.name.startswith(".") and _changed_at(path) < before
    ]


def _parse(path: Path, day: int) -> CapturedFile | None:
    match = FILE.fullmatch(path.name)
    if match is None:
        return None
    hour, version, form, writer, number = match.groups()
    return CapturedFile(path, day + int(hour), int(version), form, writer, int(number))


def _is_date(path: Path) -> bool:
    try:
        date.fromisoformat(path.name)
    except ValueError:
        return False
    return True


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
