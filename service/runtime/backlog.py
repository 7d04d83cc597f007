"""How much work may wait: so many requests, and so many seconds of work by the latest of them."""

from dataclasses import dataclass

NEWS = 0.2  # the weight of the latest request in how long one takes


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many requests may wait, and how many seconds a new one may have to."""

    requests: int
    seconds: float


class Backlog:
    """Learns how long a request keeps one of `parallel` runners, and says when enough wait."""

    def __init__(self, limits: QueueLimits, parallel: int, request_s: float = 0.0) -> None:
        self._limits = limits
        self.parallel = parallel
        self._request_s = request_s  # as measured at loading, until there is news

    def is_full(self, waiting: int) -> bool:
        """True when one more would wait too long. As many as run at a time may always wait."""
        if waiting >= self._limits.requests:
            return True
        wait_s = waiting * self._request_s / self.parallel
        return wait_s > self._limits.seconds and waiting >= self.parallel

    def learn(self, request_s: float) -> None:
        """One request has kept a runner for so long."""
        self._request_s += (request_s - self._request_s) * (NEWS if self._request_s else 1.0)
