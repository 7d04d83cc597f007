"""Who changed what of a model, when, from what, to what, and why: written with the change."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from service.base.errors import RequestInvalid
from service.repository.route import Route

CONTROLLER = "controller"  # who it is that does something by itself
TRAINED = "train"  # the action under which a version that a job has trained is noted
MAX_WHY = 1000
CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"  # and other ends of lines
WHY_SCHEMA: dict[str, Any] = {"maxLength": MAX_WHY, "pattern": f"^[^{CONTROL}]*$"}
UNWRITTEN = re.compile(rf"[{CONTROL}\ud800-\udfff]")  # no database takes halves of characters
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


def check_why(text: str) -> str:
    """The reason, if it is one line that any database, log and terminal takes as it is.

    Raises RequestInvalid.
    """
    if len(text) > MAX_WHY:
        raise RequestInvalid(f"why: expected at most {MAX_WHY} characters, got {len(text)}")
    found = UNWRITTEN.search(text)
    if found is not None:
        raise RequestInvalid(
            f"why: expected one line without control characters, got {found[0]!a} "
            f"at {found.start()}"
        )
    return text


def differences(before: Route, after: Route) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs of a route, as it was and as it is; `current` in any case."""
    old, new = asdict(before), asdict(after)
    told = [
        name for name in old if name == "current" or (name not in UNTOLD and old[name] != new[name])
    ]
    return {name: old[name] for name in told}, {name: new[name] for name in told}
