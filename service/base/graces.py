"""How long a service's processes have for their end: each one longer than what it waits for."""

from dataclasses import dataclass

BODIES_S = 20.0  # for the rest of a request that has begun to come in
SPARE_S = 5.0
RUNTIME_SPARE_S = 2.0


@dataclass(frozen=True, slots=True)
class Graces:
    """Counted from the end of the draining, each a limit that is reached only if all else fails.

    A worker answers what reaches it whole, and a prediction may take `predict_timeout_s`.
    """

    predict_timeout_s: float

    @property
    def worker_s(self) -> float:
        """A worker, until it cuts what is under way."""
        return BODIES_S + self.predict_timeout_s + SPARE_S

    @property
    def web_s(self) -> float:
        """The web process, until it kills its workers."""
        return self.worker_s + SPARE_S

    @property
    def runtime_s(self) -> float:
        """TensorFlow, which answers for the web process until then."""
        return self.web_s + RUNTIME_SPARE_S

    @property
    def keeper_s(self) -> float:
        """The keeper, until it kills both halves."""
        return self.web_s + SPARE_S

    @property
    def outside_s(self) -> float:
        """Whoever ends the service from outside, until it kills: documents tell it, tests hold them
        to it.
        """
        return self.keeper_s + SPARE_S
