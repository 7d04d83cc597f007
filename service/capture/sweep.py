"""Keeps captured inputs within their bounds: what is too old, too much, or forgotten goes.

Called by one process alone, about once a minute; each step is safe to be killed in, and the next
sweep goes on.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from service.capture.arrow import pyarrow
from service.capture.decoding import decode_ids
from service.capture.layout import HOUR, CapturedFile, days, files, leftovers, models
from service.capture.merging import merge, sized
from service.capture.parquet import Unreadable, batches_of, id_batches, opened, write_parquet

logger = logging.getLogger(__name__)

SECOND = 1000
DAY = 24 * HOUR
GRACE = 2 * 60 * SECOND  # after the end of an hour: workers still write what they have of it
LEFT_S = 600.0  # nobody writes a file for so long


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long inputs of a model are kept, if that is known, and how many bytes of them."""

    retention_days: float | None
    max_bytes: int


@dataclass(slots=True)
class _Checked:
    """Which files of a model are known to have nothing of which forgotten predictions."""

    ids: np.ndarray
    files: set[Path] = field(default_factory=set)


class Sweep:
    """`forgotten` tells the ids, in order, of predictions of a model that somebody had deleted."""

    def __init__(self, capture_dir: Path, forgotten: Callable[[str], np.ndarray]) -> None:
        self._capture_dir = capture_dir
        self._forgotten = forgotten
        self._checked: dict[str, _Checked] = {}

    def step(self, now: float, bounds_of: Callable[[str], Bounds]) -> None:
        """One look at everything; `now` is in seconds since 1970."""
        for model in models(self._capture_dir):
            try:
                self._sweep(model, int(now * SECOND), bounds_of(model))
            except (OSError, Unreadable, ModuleNotFoundError) as error:
                fields = {"model": model, "why": str(error)[:200]}
                logger.warning("captured inputs can't be swept", extra=fields)
                if isinstance(error, Unreadable) and error.is_damaged:
                    # Nobody can read it, nor take anything out of it; the next sweep goes on.
                    error.path.unlink(missing_ok=True)
                    logger.warning("damaged captured inputs removed", extra=fields)

    def _sweep(self, model: str, now: int, bounds: Bounds) -> None:
        folder = self._capture_dir / model
        for path in leftovers(folder, now / SECOND - LEFT_S):
            path.unlink(missing_ok=True)
        if bounds.retention_days is not None:
            _remove_old(folder, now - int(bounds.retention_days * DAY))
        _remove_oldest(model, folder, bounds.max_bytes)
        self._forget(model, folder)
        merge(folder, files(folder), (now - GRACE) // HOUR)
        for path in (*days(folder), folder):
            with suppress(OSError):  # it isn't empty
                path.rmdir()

    def _forget(self, model: str, folder: Path) -> None:
        """Take forgotten predictions out of all files that aren't known to have none of them."""
        ids = self._forgotten(model)
        checked = self._checked.get(model)
        if checked is None:
            checked = self._checked[model] = _Checked(ids[:0])
        new = np.setdiff1d(ids, checked.ids)
        listed = list(files(folder))
        done = set()
        for file in listed:
            looked_for = new if file.path in checked.files else ids
            if len(looked_for):
                _take_out(model, file, looked_for)
            done.add(file.path)
        self._checked[model] = _Checked(ids, done)


def _remove_old(folder: Path, before: int) -> None:
    """Remove files of hours that were over before a time."""
    for file in files(folder):
        if (file.hour + 1) * HOUR <= before:
            file.path.unlink(missing_ok=True)


def _remove_oldest(model: str, folder: Path, max_bytes: int) -> None:
    found = sized(files(folder))
    total = sum(one.size for one in found)
    removed = 0
    for one in found:
        if total <= max_bytes:
            break
        one.file.path.unlink(missing_ok=True)
        total -= one.size
        removed += one.size
    if removed:
        fields = {"model": model, "bytes": removed}
        logger.info("oldest captured inputs removed, as they had no more room", extra=fields)


def _take_out(model: str, file: CapturedFile, ids: np.ndarray) -> None:
    """Write a file anew without these predictions, if it has any of them."""
    with opened(file.path) as (form, found):
        if not any(decode_ids(batch).among(ids).any() for batch in id_batches(found)):
            return
        rows = write_parquet(file.path, form, _without(found, ids))
    if not rows:
        file.path.unlink(missing_ok=True)
    logger.info("forgotten inputs removed", extra={"model": model})


def _without(file: Any, ids: np.ndarray) -> Iterator[Any]:
    """The rows of all other predictions."""
    for batch in batches_of(file):
        yield batch.filter(pyarrow().array(~decode_ids(batch).among(ids)))
