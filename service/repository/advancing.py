"""When the pointer of a model moves without anybody's order: pure.

By the version policy, once every worker has the new version loaded; at once where the current
version is gone and another has to stand in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.repository.policy import by_model, chosen_by_policy, current_of
from service.repository.route import Route
from service.repository.states import COMING, Loading, State, VersionRow, WorkerRecord

BY_POLICY = "version policy"


@dataclass(frozen=True, slots=True)
class Advance:
    """A move of a model's pointer that nobody has to order; `before` is where it points now."""

    model: str
    before: int | None
    version: int
    why: str


def wanted_of(rows: Iterable[VersionRow], route: Route) -> int | None:
    """The version that should be current: where the policy decides it, the highest of its set."""
    ours = list(rows)
    served = {row.version for row in ours if row.served}
    if not served or route.is_pinned:
        return current_of(ours)
    chosen = chosen_by_policy(ours, {row.version for row in ours if row.state is State.READY})
    return max(chosen, default=current_of(ours))


def is_wanted(row: VersionRow, rows: Iterable[VersionRow], route: Route) -> bool:
    """Whether a version that isn't READY yet will be current once it is."""
    if route.is_pinned or route.is_unloaded or row.state not in COMING:
        return False
    ours = list(rows)
    coming = chosen_by_policy(ours, {row.version} | {one.version for one in ours if one.served})
    return max(coming, default=None) == row.version


def advances(
    rows: Iterable[VersionRow], routes: Mapping[str, Route], workers: Iterable[WorkerRecord]
) -> list[Advance]:
    """The pointers to be moved, out of settled rows and the workers that live.

    A version becomes current when every worker has it loaded. One that must take the place of a
    version that is gone, or of none, does so at once.
    """
    living = list(workers)
    found = []
    for model, ours in by_model(rows).items():
        advance = _advance(ours, routes.get(model) or Route(model), living)
        if advance is not None:
            found.append(advance)
    return found


def cold_successors(
    rows: Iterable[VersionRow], routes: Mapping[str, Route], workers: Iterable[WorkerRecord]
) -> list[tuple[str, int]]:
    """Versions that should be current, but which a worker that has the current one left cold."""
    living = list(workers)
    cold = []
    for model, ours in by_model(rows).items():
        row = _successor(ours, routes.get(model) or Route(model))
        if row is not None and any(_leaves_cold(worker, row, ours) for worker in living):
            cold.append((model, row.version))
    return cold


def _advance(rows: list[VersionRow], route: Route, workers: list[WorkerRecord]) -> Advance | None:
    current = current_of(rows)
    if current is None:
        return None
    if current != route.current:  # it stands in for one that is gone, or for none
        lost = next((row for row in rows if row.version == route.current), None)
        if lost is not None and lost.state in COMING:
            return None  # it comes back
        why = BY_POLICY if route.current is None else _loss(route.current, lost)
        return Advance(route.model, route.current, current, why)
    row = _successor(rows, route)
    if row is None or not all(_follows(worker, row, rows) for worker in workers):
        return None
    return Advance(route.model, current, row.version, BY_POLICY)


def _loss(version: int, row: VersionRow | None) -> str:
    if row is None:
        return f"version {version} is gone"
    return f"version {version} is {row.state.value}" + (f": {row.reason}" if row.reason else "")


def _successor(rows: list[VersionRow], route: Route) -> VersionRow | None:
    """The version that should take the place of the current one."""
    wanted = wanted_of(rows, route)
    return next((row for row in rows if row.version == wanted and not row.current), None)


def _follows(worker: WorkerRecord, row: VersionRow, rows: list[VersionRow]) -> bool:
    """Whether a worker would answer with the row as soon as with the current version."""
    held = worker.find(row)
    if held is None:
        return False
    is_cold = held.loading is Loading.COLD and not _leaves_cold(worker, row, rows)
    return is_cold or held.loading is Loading.LOADED


def _leaves_cold(worker: WorkerRecord, row: VersionRow, rows: list[VersionRow]) -> bool:
    held = worker.find(row)
    current = current_of(rows)
    return (
        held is not None and held.loading is Loading.COLD and worker.is_serving(row.model, current)
    )
