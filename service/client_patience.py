"""How long who waits for a job bears it that nobody answers: a service that is started anew."""

import time
from collections.abc import Callable
from typing import TypeVar

from service.base.errors import ServiceRefused, ServiceUnreachable

PATIENCE_S = 120.0
PAUSE_S = 1.0  # between two looks, and two tries
AWAY = (502, 503, 504)  # what a proxy answers meanwhile, or the service itself without its database
NO_ANSWER = (ServiceUnreachable, ServiceRefused)

Answer = TypeVar("Answer")


class Patience:
    """Counts from the first error after an answer: how long all was quiet before doesn't matter."""

    def __init__(
        self,
        lasts_s: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lasts_s = lasts_s
        self._clock = clock
        self._pause = pause
        self._away_since: float | None = None

    def heard(self) -> None:
        """The service has answered."""
        self._away_since = None

    def bear(self, error: ServiceUnreachable | ServiceRefused) -> None:
        """Pause before the next try, or raise the error: it's no absence, or one for too long."""
        now = self._clock()
        if self._away_since is None:
            self._away_since = now
        is_away = isinstance(error, ServiceUnreachable) or error.status in AWAY
        if not is_away or now - self._away_since >= self._lasts_s:
            raise error
        self._pause(PAUSE_S)


def patiently(ask: Callable[[], Answer], lasts_s: float) -> Answer:
    """What the service says as soon as it answers."""
    patience = Patience(lasts_s)
    while True:
        try:
            return ask()
        except NO_ANSWER as error:
            patience.bear(error)
