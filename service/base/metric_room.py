"""Metric files that ask for room before they are written.

prometheus_client counts in mapped files that have holes. A write into a hole for which there is no
room ends the process, and with it all that it serves. Here a series that is new when the disk is
full is counted in the process alone, and comes into the file, whole, once there is room again.
"""

import logging
import mmap
import os
from contextlib import suppress
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from service.base.durable import FULL

logger = logging.getLogger(__name__)

BESIDE_KEY = 4 + 8 + 16  # of an entry at most: its length, padding, value and time


class RoomyDict(MmapedDict):
    """prometheus_client's own, in the place of which it is used. Where there is no room for even an
    empty file, it counts in memory of its own, and nobody adds that to what others count.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        try:
            _begin(Path(filename))
        except OSError as error:
            logger.warning("metrics have no room", extra={"why": error.strerror})
            filename = f"/proc/self/fd/{os.memfd_create('metrics')}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        self._is_full = False

    def read_value(self, key: str) -> tuple[float, float]:
        """Value and time, both 0 for a new series; asked before one is written."""
        try:
            value, time = super().read_value(key)  # type: ignore[no-untyped-call]
        except OSError as error:
            self._fill(error)
            return 0.0, 0.0
        return value, time

    def _fill(self, error: OSError) -> None:
        """Not before: a prediction writes a dozen values, and a call more for each is felt."""
        if not self._is_full:
            self._is_full = True
            self.write_value = self._write_if_room  # type: ignore[method-assign]
            logger.warning("new metrics have no room", extra={"why": error.strerror})

    def _write_if_room(self, key: str, value: float, timestamp: float) -> None:
        with suppress(OSError):
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        capacity = self._capacity
        try:
            _take_room(self._f.fileno(), self._used, len(key.encode()) + BESIDE_KEY)
            super()._init_value(key)  # type: ignore[no-untyped-call]
        except OSError:
            self._capacity = capacity  # it was raised before the file could be mapped so large
            raise


def _begin(path: Path) -> None:
    """Make the file, of one page at least. Raises OSError, and leaves no empty one."""
    with path.open("ab") as file:
        try:
            _take_room(file.fileno(), 0, mmap.PAGESIZE)
        except OSError:
            if not os.fstat(file.fileno()).st_size:
                path.unlink()
            raise


def _take_room(file: int, start: int, size: int) -> None:
    """Raises OSError where the disk is full; file systems that can't say so are let be."""
    try:
        os.posix_fallocate(file, start, size)
    except OSError as error:
        if error.errno in FULL:
            raise
