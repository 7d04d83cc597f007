"""Which versions should be served: pure, so that it can be reasoned about and tested alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from service.repository.states import COMING, State, VersionRow, Wish

UNLOADED = "unloaded"


def choose_served(rows: Iterable[VersionRow]) -> dict[str, int]:
    """The version to serve of each model: the highest that is READY."""
    served: dict[str, int] = {}
    for row in rows:
        if row.state is State.READY:
            served[row.model] = max(row.version, served.get(row.model, 0))
    return served


def unloaded_models(wishes: Mapping[str, Wish]) -> set[str]:
    """Models that nothing may be served of, whatever lies in the repository."""
    return {model for model, wish in wishes.items() if wish.is_unloaded}


def with_wishes(rows: Iterable[VersionRow], unloaded: set[str]) -> list[VersionRow]:
    """The rows as they hold after the operators' wishes: what is unloaded isn't served.

    The controller records its choice without them, so that a worker can load again without it.
    """
    return [
        replace(row, served=False, reason=UNLOADED)
        if row.model in unloaded and row.state is State.READY
        else row
        for row in rows
    ]


def waiting_models(rows: Iterable[VersionRow]) -> set[str]:
    """Models that nothing can be served of yet, though a version of theirs is on its way."""
    rows = list(rows)
    ready = {row.model for row in rows if row.state is State.READY}
    coming = {row.model for row in rows if row.state in COMING}
    return coming - ready
