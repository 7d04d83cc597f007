"""What is done now and then, and by nobody's order: old jobs, old inputs, old counts."""

import logging
import threading
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_AFTER_S = 60.0


class Housekeeping:
    """Runs its tasks one after the other, an hour after the last time or as told, in a thread of
    its own: the controller's step never waits for them.

    A task looks at the clock itself if it is to be done more seldom; it may be ended at any moment,
    with the process.
    """

    def __init__(self, tasks: Mapping[str, Callable[[], object]], every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._tasks = dict(tasks)
        self._thread: threading.Thread | None = None
        self._due_at: float | None = None

    def step(self, now: float) -> None:
        """Begin a round if one is due and none is under way."""
        if self._due_at is None:
            self._due_at = now + FIRST_AFTER_S
        if now < self._due_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_at = now + self._every_s
        self._thread = threading.Thread(target=self.run, name="housekeeping", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """One round; a task that fails doesn't keep the others from theirs."""
        for name, task in self._tasks.items():
            try:
                task()
            except Exception:  # the next round tries it again
                logger.exception("housekeeping failed", extra={"task": name})
