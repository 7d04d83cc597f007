"""Who asks, as far as it was proved, and what that one may do."""

from dataclasses import dataclass

from service.base.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` goes into the audit; `models` are those it is limited to, none for all."""

    name: str
    roles: frozenset[Role]
    models: frozenset[str] = frozenset()


ANYBODY = Caller("anybody", frozenset(Role))
"""Everyone, where access is open."""
