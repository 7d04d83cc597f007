"""Who changed what of a model, when, from what, to what, and why: written with the change."""

from dataclasses import asdict, dataclass, field
from typing import Any

from service.repository.route import Route

UNTOLD = ("model", "revision", "looked", "preparing")  # what nobody decided


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
    """One change that was made; `at` is in seconds since 1970. A later one has a higher `id`."""

    at: float
    model: str
    action: str
    who: str
    why: str = ""
    request_id: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    id: int = 0


def differences(before: Route, after: Route) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs of a route, as it was and as it is; `current` in any case."""
    old, new = asdict(before), asdict(after)
    told = [
        name for name in old if name == "current" or (name not in UNTOLD and old[name] != new[name])
    ]
    return {name: old[name] for name in told}, {name: new[name] for name in told}
