"""Which versions should be served: pure, so that it can be reasoned about and tested alone."""

from collections.abc import Iterable

from service.repository.states import State, VersionRow


def choose_served(rows: Iterable[VersionRow]) -> dict[str, int]:
    """The version to serve of each model: the highest that is READY."""
    served: dict[str, int] = {}
    for row in rows:
        if row.state is State.READY:
            served[row.model] = max(row.version, served.get(row.model, 0))
    return served


def waiting_models(rows: Iterable[VersionRow]) -> set[str]:
    """Models that nothing can be served of yet, though a version of theirs is on its way."""
    rows = list(rows)
    ready = {row.model for row in rows if row.state is State.READY}
    coming = {row.model for row in rows if row.state in (State.DISCOVERED, State.COMPILING)}
    return coming - ready
