"""The faults of a file, each kind with its rows: all are told at once, the first in full."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.data.source import Source

MOST_FAULTS = 1000
MOST_SHOWN = 5


@dataclass(slots=True)
class _Kind:
    count: int = 0
    rows: list[int] = field(default_factory=list)


class Faults:
    """Collects what is wrong with rows; `unit` is what they are called in the file's format."""

    def __init__(self, source: Source, unit: str = "row") -> None:
        self._source = source
        self._unit = unit
        self._kinds: dict[str, _Kind] = {}
        self._first: tuple[str, str, str] | None = None
        self._total = 0

    def add(self, kind: str, rows: Sequence[int], where: str, wrong: str, expected: str) -> None:
        """Note some faulty rows by their numbers; the rest tells of the first of them in full.

        Raises DataRefused once there are so many that reading on would tell no more.
        """
        if self._first is None:
            self._first = where, wrong, expected
        noted = self._kinds.setdefault(kind, _Kind())
        noted.count += len(rows)
        noted.rows += [int(row) for row in rows[:MOST_SHOWN]]
        self._total += len(rows)
        if self._total >= MOST_FAULTS:
            self.check(" or more; the rest isn't read")

    def check(self, more: str = "") -> None:
        """Raise DataRefused if anything was wrong."""
        if self._first is None:
            return
        where, wrong, expected = self._first
        if self._total > 1:
            expected += f". In all {self._total} faults{more}: "
            expected += "; ".join(self._told(kind, noted) for kind, noted in self._kinds.items())
        raise self._source.refused(where, wrong, expected)

    def _told(self, kind: str, noted: _Kind) -> str:
        shown = noted.rows[:MOST_SHOWN]
        unit = self._unit if noted.count == 1 else f"{self._unit}s"
        rest = noted.count - len(shown)
        also = f" and {rest} more" if rest else ""
        return f"{noted.count} {kind} ({unit} {', '.join(map(str, shown))}{also})"
