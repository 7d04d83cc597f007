"""What a worker has read last, and what follows from it for the pool: pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.repository.policy import by_model, canary_of, current_of, labels_of, settle, shadow_of
from service.repository.route import Route
from service.repository.states import COMING, State, VersionRow
from service.runtime.directions import Directions, Split
from service.runtime.slot import Absent

WhyAbsent = Callable[[VersionRow], Absent]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The recorded rows and the settled ones, by model, and the routes."""

    recorded: Mapping[str, list[VersionRow]] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    settled: Mapping[str, list[VersionRow]] = field(default_factory=dict)

    @property
    def models(self) -> set[str]:
        """All that there is something to say of."""
        return {*self.settled, *self.routes}

    def rows(self, model: str) -> list[VersionRow]:
        """The settled rows of a model."""
        return self.settled.get(model, [])

    def route(self, model: str) -> Route:
        """That of a model; with every default where nobody has decided anything."""
        return self.routes.get(model) or Route(model)

    def served(self) -> list[VersionRow]:
        """All that is to be loaded."""
        return [row for rows in self.settled.values() for row in rows if row.served]

    def awaited(self) -> list[VersionRow]:
        """The rows of models that are not unloaded."""
        return [
            row
            for model, rows in self.settled.items()
            if not self.route(model).is_unloaded
            for row in rows
        ]


def look_out(rows: list[VersionRow], routes: Mapping[str, Route]) -> Outlook:
    """An outlook on all models, out of the recorded rows."""
    return Outlook(by_model(rows), routes, by_model(settle(rows, routes)))


def directions_of(rows: list[VersionRow], route: Route) -> Directions:
    """Where a model's requests go, out of its settled rows."""
    canary = canary_of(rows, route)
    split = None
    if canary is not None:
        version, how = canary
        header = how.header.lower().encode("latin-1", "replace")
        split = Split(version, how.percent / 100, header)
    shadow = shadow_of(rows, route)
    return Directions(route.revision, current_of(rows), labels_of(rows, route), split, shadow)


def absent_of(rows: list[VersionRow], route: Route, why: WhyAbsent) -> dict[int, Absent]:
    """Why each version of a model isn't loaded; `why` tells it of one that is served."""
    if route.is_unloaded:
        return {}
    absent: dict[int, Absent] = {}
    for row in rows:
        if row.served:
            absent[row.version] = why(row)
        elif row.state is State.FAILED:
            absent[row.version] = Absent(f"version {row.version} failed: {row.reason}")
        elif row.state in COMING:
            absent[row.version] = Absent(f"version {row.version} is being compiled")
    return absent


def is_behind(rows: list[VersionRow], route: Route) -> bool:
    """True when the rows can't be those that the route was decided by."""
    ready = {row.version for row in rows if row.state is State.READY}
    return route.current is not None and route.current not in ready and not route.is_unloaded
