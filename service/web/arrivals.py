"""Whether a request waits for a version that isn't loaded, and for how long."""

import time
from dataclasses import dataclass

from service.runtime.pool import Pool
from service.web.reloader import Reloader
from service.web.served import ServedVersion

LOOK_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """A request's look-out for what it asks for, since a time of `time.monotonic`."""

    model: str
    version: int | None
    label: str
    ticket: int
    started: float


class Arrivals:
    """What is about to be loaded is waited for, a cold version only where the budget says so."""

    def __init__(
        self,
        pool: Pool[ServedVersion],
        reloader: Reloader[ServedVersion],
        load_wait_s: float,
    ) -> None:
        self._pool = pool
        self._reloader = reloader
        self._load_wait_s = load_wait_s

    def look_for(self, model: str, version: int | None = None, label: str = "") -> Look | None:
        """None where there is nothing to wait for; else it is looked for, and loaded if it may."""
        if self._pool.has(model, version, label):
            return None
        ticket = self._reloader.look_soon()
        absent = self._pool.absence(model, version, label)
        if absent is not None and absent.is_cold and not absent.is_coming:
            return None
        return Look(model, version, label, ticket, time.monotonic())

    def should_wait(self, look: Look, deadline: float) -> bool:
        """True while it may yet appear: briefly for a look, longer for one being loaded."""
        now = time.monotonic()
        if now >= deadline or self._pool.has(look.model, look.version, look.label):
            return False
        waited_s = now - look.started
        patience_s = min(LOOK_WAIT_S, self._load_wait_s)
        if not self._reloader.has_looked(look.ticket) and waited_s < patience_s:
            return True
        absent = self._pool.absence(look.model, look.version, look.label)
        return absent is not None and absent.is_coming and waited_s < self._load_wait_s
