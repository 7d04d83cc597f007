"""Who asks, as far as it was proved, and what that one may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; `admin` may do all of it. `predict` may read what a client needs:
    a model's status, metadata and readiness. `read` may read everything but metrics.
    """

    PREDICT = "predict"
    FEEDBACK = "feedback"
    TRAIN = "train"
    ADMIN = "admin"
    METRICS = "metrics"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` goes into the audit; `models` are those it is limited to, none for all."""

    name: str
    roles: frozenset[Role]
    models: frozenset[str] = frozenset()

    def may(self, role: Role) -> bool:
        """True when it has the role, or all of them."""
        return role in self.roles or Role.ADMIN in self.roles


ANYBODY = Caller("anybody", frozenset(Role))
"""Everyone, where access is open."""
