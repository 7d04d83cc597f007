"""Which versions are loaded and which one answers: pure, so that it can be reasoned about alone.

Nothing of this is stored. Every process computes it from the rows and the routes, so that all agree
as soon as they have read the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from service.repository.model_config import Latest, ModelConfig, Specific
from service.repository.route import STABLE, Canary, Route
from service.repository.states import COMING, State, VersionRow

UNLOADED = "unloaded"
RETIRED = "retired"


def by_model(rows: Iterable[VersionRow]) -> dict[str, list[VersionRow]]:
    """The rows of each model, in their order."""
    groups: dict[str, list[VersionRow]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(row)
    return groups


def settle(rows: Iterable[VersionRow], routes: Mapping[str, Route]) -> list[VersionRow]:
    """The recorded rows, with what is `served` and what is `current`.

    A model's rows depend on its own route alone, so that some models can be settled without others.
    """
    settled: list[VersionRow] = []
    for model, ours in by_model(rows).items():
        settled += _settle_one(ours, routes.get(model) or Route(model))
    return settled


def labels_of(rows: Iterable[VersionRow], route: Route) -> dict[str, int]:
    """What each label of a model stands for, loaded or not, out of its settled rows.

    Those of model.yaml win over the operators'; without its word, `stable` is the current version.
    """
    ours = list(rows)
    labels = _given_labels(route)
    current = current_of(ours)
    if current is not None:
        labels[STABLE] = current
    return {**labels, **config_of(ours).version_labels}


def canary_of(rows: Iterable[VersionRow], route: Route) -> tuple[int, Canary] | None:
    """The version that gets a share of the requests, out of a model's settled rows."""
    canary = route.canary
    version = None if canary is None else _beside_current(list(rows), route, canary.label)
    return None if canary is None or version is None else (version, canary)


def shadow_of(rows: Iterable[VersionRow], route: Route) -> int | None:
    """The version that gets a copy of the requests, out of a model's settled rows."""
    return _beside_current(list(rows), route, route.shadow) if route.shadow else None


def current_of(rows: Iterable[VersionRow]) -> int | None:
    """The version that answers requests without one, out of a model's settled rows."""
    return next((row.version for row in rows if row.current), None)


def rollback_target(rows: Iterable[VersionRow], route: Route) -> int | None:
    """The version that a rollback makes current, out of a model's settled rows: the latest of those
    before the current one that can be served.
    """
    ours = list(rows)
    ready = {row.version for row in ours if row.state is State.READY} - {current_of(ours)}
    return next((version for version in route.previous if version in ready), None)


def config_of(rows: Iterable[VersionRow]) -> ModelConfig:
    """What model.yaml says, out of one model's rows: as the newest one knows it that is READY.

    Others may hold it as it was, for it doesn't fit them or they are gone; and one that came while
    it couldn't be read knows nothing of it.
    """
    newest = max(rows, key=_knows_best, default=None)
    return ModelConfig() if newest is None else newest.config


def chosen_by_policy(rows: list[VersionRow], candidates: set[int]) -> set[int]:
    """Those of the candidates that the version policy of model.yaml has loaded."""
    match config_of(rows).version_policy:
        case Latest(latest=count):
            return set(sorted(candidates)[-count:])
        case Specific(specific=listed):
            return candidates & set(listed)
        case _:
            return candidates


def unloaded_models(routes: Mapping[str, Route]) -> set[str]:
    """Models that nothing may be served of, whatever lies in the repository."""
    return {model for model, route in routes.items() if route.is_unloaded}


def waiting_models(rows: Iterable[VersionRow]) -> set[str]:
    """Models that nothing can be served of yet, though a version of theirs is on its way."""
    rows = list(rows)
    ready = {row.model for row in rows if row.state is State.READY}
    coming = {row.model for row in rows if row.state in COMING}
    return coming - ready


def _settle_one(recorded: list[VersionRow], route: Route) -> list[VersionRow]:
    rows = [
        replace(row, state=State.RETIRED, reason=RETIRED) if row.version in route.retired else row
        for row in recorded
    ]
    candidates = {row.version for row in rows if row.state is State.READY}
    if route.is_unloaded:
        return [
            replace(
                row,
                served=False,
                current=False,
                generation=route.generation,
                reason=UNLOADED if row.version in candidates else row.reason,
            )
            for row in rows
        ]
    chosen = chosen_by_policy(rows, candidates)
    current = route.current if route.current in candidates else max(chosen, default=None)
    labelled = {**_given_labels(route), **config_of(rows).version_labels}
    asked = {current, *labelled.values(), *(version for version, _ in route.preparing)}
    served = chosen | (candidates & asked)
    return [
        replace(
            row,
            served=row.version in served,
            current=row.version == current,
            generation=route.generation,
        )
        for row in rows
    ]


def _knows_best(row: VersionRow) -> tuple[bool, bool, int]:
    return row.state is State.READY, row.state is not State.RETIRED, row.version


def _given_labels(route: Route) -> dict[str, int]:
    return {label: version for label, version in route.labels.items() if label != STABLE}


def _beside_current(rows: list[VersionRow], route: Route, label: str) -> int | None:
    version = labels_of(rows, route).get(label)
    return next(
        (row.version for row in rows if row.version == version and row.served and not row.current),
        None,
    )
