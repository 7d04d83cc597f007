"""The state of a fit on the disk after each epoch: whole or not there, the last two kept."""

import json
import logging
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.base.aside import aside
from service.base.durable import storing, sync
from service.base.strict_json import Json
from service.training.kept import WHERE

logger = logging.getLogger(__name__)

STATE, VARIABLES, BEST = "state.json", "variables.npz", "best.npz"
PREFIX = "epoch-"
KEPT = 2
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)

Arrays = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Saved:
    """A fit after so many epochs: its records, every variable, and the best weights so far."""

    epoch: int
    state: Json
    variables: Arrays
    best: Arrays | None


class Backups:
    """The folder of a job's backups. `check` is asked before anything is written for good."""

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._folder, self._check = folder, check

    def keep(
        self, epoch: int, state: Json, variables: Sequence[np.ndarray], best: Arrays | None,
        is_best_new: bool = True,
    ) -> None:  # fmt: skip
        """Keep a fit as it is after this epoch. Raises StorageFull, and what `check` raises.

        Best weights that are still those of the epoch before aren't written again.
        """
        target = self._folder / f"{PREFIX}{epoch:06d}"
        with storing(WHERE), aside(target) as partial:
            partial.mkdir(parents=True)
            _write_arrays(partial / VARIABLES, variables)
            if best is not None:
                self._keep_best(partial / BEST, best, is_best_new)
            _write(partial / STATE, json.dumps(state).encode())
            sync(partial)
            self._check()
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
            sync(self._folder)
        for old in self._found()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def latest(self) -> Saved | None:
        """The last one that is whole; none if there is none."""
        for folder in reversed(self._found()):
            try:
                return _read(folder)
            except UNREADABLE as error:
                extra = {"folder": folder.name, "why": str(error)[:200]}
                logger.warning("backup can't be read; the one before is used", extra=extra)
        return None

    def _keep_best(self, path: Path, best: Arrays, is_new: bool) -> None:
        before = self._found()
        if before and not is_new and (before[-1] / BEST).exists():
            with suppress(OSError):  # not every file system has links
                os.link(before[-1] / BEST, path)
                return
        _write_arrays(path, best)

    def _found(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._folder.glob(f"{PREFIX}*")) if self._folder.is_dir() else []


def _read(folder: Path) -> Saved:
    state: Json = json.loads((folder / STATE).read_bytes())
    best = folder / BEST
    return Saved(
        int(folder.name.removeprefix(PREFIX)),
        state,
        _read_arrays(folder / VARIABLES),
        _read_arrays(best) if best.exists() else None,
    )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _write_arrays(path: Path, arrays: Sequence[np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, *map(_plain, arrays))
        stream.flush()
        os.fsync(stream.fileno())


def _read_arrays(path: Path) -> Arrays:
    """In their order. A damaged file is noticed by the checksums that the archive has."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return [archive[f"arr_{index}"] for index in range(len(archive.files))]


def _plain(array: np.ndarray) -> np.ndarray:
    """Short floats, which NumPy's files don't know, as longer ones that hold each of them."""
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float32)
