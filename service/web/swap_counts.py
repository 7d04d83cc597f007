"""How often which model's pointer has moved, and why: counted from the audit.

The audit has every move, whoever made it, so that all workers tell the same, and that a restart
takes nothing back.
"""

import threading
from collections import Counter
from collections.abc import Mapping

from service.repository.store_routes import RouteStore

Moves = Mapping[tuple[str, str], int]
"""How many, by model and by the action in the audit."""

SETTLED_S = 10.0  # entries may become visible in another order than their ids tell


class SwapCounts:
    """Has the database count; what has settled is counted once."""

    def __init__(self, store: RouteStore) -> None:
        self._store = store
        self._settled: Counter[tuple[str, str]] = Counter()
        self._last_id = 0
        self._lock = threading.Lock()

    def count(self, wall_now: float) -> Moves:
        """All moves up to now."""
        with self._lock:
            until = wall_now - SETTLED_S
            settled, self._last_id = self._store.count_moves(self._last_id, until)
            self._settled.update(settled)
            recent, _ = self._store.count_moves(self._last_id)
            return self._settled + Counter(recent)
