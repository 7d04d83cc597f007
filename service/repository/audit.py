"""Who changed what of a model, when, from what, to what, and why: written with the change."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Order:
    """A change as somebody asks for it.

    With `expected_current` it is refused if another version is current by then.
    """

    who: str
    why: str = ""
    request_id: str = ""
    expected_current: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that was made; `at` is in seconds since 1970."""

    at: float
    model: str
    action: str
    who: str
    why: str = ""
    request_id: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
