"""Removes compiled versions that were fetched and that nothing has named for a day.

A file in the folder of each tells by its time when it was named last. What was compiled or baked
here has none and stays, for the controller's own rule; what goes too early is fetched again.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import sqlalchemy.exc

from service.base.compiled import ASIDE, FETCHED, discard
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

KEEP_S = 24 * 3600.0
LOOK_EVERY_S = 600.0


class Fetched:
    """A thread in each web process; `step` is public so that tests call it with their own time.

    `loaded` are the keys of what this very process has loaded, whatever the database says.
    """

    def __init__(
        self,
        folder: Path,
        store: VersionStore,
        loaded: Callable[[], set[str]],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._store = store
        self._loaded = loaded
        self._wall_clock = wall_clock
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to look now and then; it may end with the process at any moment."""
        threading.Thread(target=self._loop, name="fetched", daemon=True).start()

    def close(self) -> None:
        """Begin no other round."""
        self._stop.set()

    def step(self) -> None:
        """One round. Raises SQLAlchemyError while the database is away; then nothing goes."""
        marks = list(self._folder.glob(f"*/{FETCHED}"))
        if not marks or not self._store.was_scanned():
            return
        named, now = self._store.artefacts() | self._loaded(), self._wall_clock()
        for mark in marks:
            with suppress(OSError):  # gone meanwhile, or the folder can't be written
                if mark.parent.name in named:
                    os.utime(mark, (now, now))
                elif mark.stat().st_mtime <= now - KEEP_S:
                    self._remove(mark.parent)

    def _remove(self, folder: Path) -> None:
        key = folder.name.removesuffix(ASIDE)
        aside = folder.with_name(f"{key}{ASIDE}")
        shutil.rmtree(aside, ignore_errors=True)
        if folder != aside:
            discard(folder)  # out of sight in one step
            shutil.rmtree(aside, ignore_errors=True)
            logger.info("fetched version removed, nothing names it", extra={"artefact": key})

    def _loop(self) -> None:
        while True:
            try:
                self.step()
            except sqlalchemy.exc.SQLAlchemyError as error:
                logger.debug("fetched versions wait", extra={"why": type(error).__name__})
            except Exception:  # the next round tries it again
                logger.exception("fetched versions can't be looked after")
            if self._stop.wait(LOOK_EVERY_S):
                return
