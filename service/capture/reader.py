"""Read captured inputs: whole files only, an hour after the other, nothing of what was forgotten.

Files that were merged into another one are left out, also while both are there: the sweep removes
them when nobody reads.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import numpy as np

from service.capture.decoding import CapturedIds, CapturedRows, decode, decode_ids
from service.capture.layout import CapturedFile, files
from service.capture.parquet import Unreadable, batches_of, id_batches, opened
from service.capture.schema import Form

logger = logging.getLogger(__name__)

Forgotten = Callable[[], np.ndarray]


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Have no file of a model's folder removed after it was merged into another one."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def hours(
    folder: Path, since: int | None = None, until: int | None = None, latest_first: bool = False
) -> Iterator[list[CapturedFile]]:
    """The files of each hour, without those that were merged into others."""
    found = [list(some) for _, some in groupby(files(folder, since, until), lambda f: f.hour)]
    for some in reversed(found) if latest_first else found:
        yield unmerged(some)


def unmerged(some: Iterable[CapturedFile]) -> list[CapturedFile]:
    """The files of an hour of which no other one has the rows."""
    listed = list(some)
    gone: set[str] = set()
    if len(listed) > 1:
        for file in listed:
            if file.is_merged and (form := form_of(file)):
                gone.update(form.sources)
    return [file for file in listed if file.path.name not in gone]


def form_of(file: CapturedFile) -> Form | None:
    """What a file's footer says; none if it can't be read."""
    try:
        with opened(file.path) as (form, _):
            return form
    except Unreadable as error:
        _tell(file, error)
        return None


def read_ids(file: CapturedFile, forgotten: Forgotten) -> Iterator[CapturedIds]:
    """Which rows a file has, in batches."""
    try:
        with opened(file.path) as (_, found):
            gone = forgotten()
            for batch in id_batches(found):
                ids = decode_ids(batch)
                yield ids.take(~ids.among(gone)) if len(gone) else ids
    except Unreadable as error:
        _tell(file, error)


def read_rows(file: CapturedFile, forgotten: Forgotten) -> Iterator[CapturedRows]:
    """The rows of a file with their inputs, in batches."""
    try:
        with opened(file.path) as (form, found):
            gone = forgotten()
            for batch in batches_of(found):
                rows = decode(form, batch)
                yield rows.take(~rows.ids.among(gone)) if len(gone) else rows
    except Unreadable as error:
        _tell(file, error)


def _tell(file: CapturedFile, error: Unreadable) -> None:
    """One that is gone was too old, or forgotten; everything else somebody should look at."""
    if file.path.exists():
        logger.warning("captured inputs can't be read", extra={"why": str(error)[:200]})
