"""When this worker's versions answered last, recorded now and then."""

import logging
from collections.abc import Iterable

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.repository.store import VersionStore
from service.runtime.asked import Key
from service.runtime.slot import Served, Slot

logger = logging.getLogger(__name__)

NOTE_S = 60.0


class Usage:
    """Gathers the times at each look, so that those of versions that go are kept."""

    def __init__(self, store: VersionStore) -> None:
        self._store = store
        self._last: dict[Key, float] = {}
        self._noted: dict[Key, float] = {}
        self._next_at: float | None = None

    def read(self) -> dict[Key, float]:
        """What was recorded before this worker's time."""
        self._noted = self._store.used()
        return self._noted

    def gather(self, slots: Iterable[Slot[Served]]) -> None:
        """Take over what the slots tell."""
        for slot in slots:
            key = (slot.model, slot.version)
            if slot.last_used > self._noted.get(key, 0.0):
                self._last[key] = slot.last_used

    def note(self, now: float) -> None:
        """Record what is new, at most once a minute."""
        if self._next_at is None:
            self._next_at = now + NOTE_S
        if now >= self._next_at:
            self._next_at = now + NOTE_S
            self.save()

    def save(self) -> None:
        """Record what is new now; a database that can't be written can wait."""
        try:
            self.write()
        except sqlalchemy.exc.SQLAlchemyError as error:
            why = database_words(error)
            logger.debug("can't record when versions were used", extra={"why": why})

    def write(self) -> None:
        """Record what is new now; raises what the database does."""
        if not self._last:
            return
        self._store.note_used(self._last)
        self._noted = {**self._noted, **self._last}
        self._last = {}
