"""How often which model's pointer has moved, and why: counted from the audit.

The audit has every move, whoever made it, so that all workers tell the same, and that a restart
takes nothing back.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from service.repository.audit import AuditEntry

Moves = Mapping[tuple[str, str], int]
"""How many, by model and by the action in the audit."""

SETTLED_S = 10.0  # entries may become visible in another order than their ids tell


class SwapCounts:
    """Reads what is new in the audit; `read` gives the entries after the one with that id."""

    def __init__(self, read: Callable[[int], list[AuditEntry]]) -> None:
        self._read = read
        self._settled: Counter[tuple[str, str]] = Counter()
        self._last_id = 0
        self._lock = threading.Lock()

    def count(self, wall_now: float) -> Moves:
        """All moves up to now."""
        with self._lock:
            recent: list[AuditEntry] = []
            is_settled = True
            for entry in sorted(self._read(self._last_id), key=lambda entry: entry.id):
                is_settled = is_settled and entry.at < wall_now - SETTLED_S
                if not is_settled:
                    recent.append(entry)
                    continue
                self._last_id = entry.id
                self._settled.update(_move(entry))
            total = self._settled.copy()
            for entry in recent:
                total.update(_move(entry))
            return total


def _move(entry: AuditEntry) -> list[tuple[str, str]]:
    """The first version of a model takes nobody's place."""
    before, after = entry.before.get("current"), entry.after.get("current")
    return [(entry.model, entry.action)] if before is not None and after != before else []
