"""Which versions of a model have to stay, and which may go: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from service.repository.policy import labels_of, rollback_target
from service.repository.route import Route
from service.repository.states import State, VersionRow

DAY_S = 86400.0
IS_CURRENT = "it is the current one"


@dataclass(frozen=True, slots=True)
class Sweep:
    """`versions` may be retired; `kept` says why the others may not.

    `gone` were retired before and haven't answered for long: their files may be deleted, too.
    """

    versions: tuple[int, ...] = ()
    kept: Mapping[int, str] = field(default_factory=dict)
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """When each version of a model answered last, in seconds since 1970, and for how long that
    has it stay.
    """

    last_used: Mapping[int, float]
    days: float
    now: float

    @classmethod
    def of_model(
        cls, model: str, used: Mapping[tuple[str, int], float], days: float, now: float
    ) -> Self:
        """One model's part of what is recorded of all."""
        return cls({version: at for (of, version), at in used.items() if of == model}, days, now)

    def anew(self, model: str, used: Mapping[tuple[str, int], float]) -> Self:
        """The same question about what is recorded now."""
        return self.of_model(model, used, self.days, self.now)

    def why_kept(self, version: int) -> str:
        """Empty if the version hasn't answered for so long."""
        age_days = (self.now - self.last_used.get(version, -1e12)) / DAY_S
        if self.days <= 0 or age_days >= self.days:
            return ""
        return f"it answered within the last {self.days:g} days"


def why_kept(rows: list[VersionRow], route: Route, version: int) -> str:
    """Why a version has to stay, out of the model's settled rows; empty if it may be retired."""
    if any(row.version == version and row.current for row in rows):
        return IS_CURRENT
    labels = sorted(label for label, of in labels_of(rows, route).items() if of == version)
    if labels:
        return f"it is labelled {', '.join(labels)}"
    if rollback_target(rows, route) == version:
        return "a rollback goes back to it"
    if any(version == prepared for prepared, _ in route.preparing):
        return "it is being promoted"
    return ""


def sweep(rows: list[VersionRow], route: Route, keep: int, use: Use) -> Sweep:
    """All but the `keep` highest that are READY, and but those that have to stay."""
    ready = sorted(row.version for row in rows if row.state is State.READY)
    newest = set(ready[-keep:]) if keep > 0 else set()
    kept: dict[int, str] = {}
    for version in ready:
        why = "it is one of the newest" if version in newest else why_kept(rows, route, version)
        if why or (why := use.why_kept(version)):
            kept[version] = why
    gone = [
        row.version
        for row in rows
        if row.version in route.retired and not use.why_kept(row.version)
    ]
    return Sweep(tuple(v for v in ready if v not in kept), kept, tuple(gone))
