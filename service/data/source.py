"""An opened data file: its name for messages, its bytes, its size."""

from dataclasses import dataclass
from typing import BinaryIO

from service.base.refusals import DataRefused


@dataclass(frozen=True, slots=True)
class Source:
    """One regular file, opened once: what was measured is what is read."""

    file: str
    stream: BinaryIO
    size: int

    def refused(self, where: str, wrong: str, expected: str = "") -> DataRefused:
        """The error for a fault in this file, to be raised."""
        return DataRefused(self.file, where, wrong, expected)
