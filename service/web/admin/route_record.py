"""A model's route as it is answered: where its requests go, and what canary and shadow came to."""

from service.base.strict_json import Json
from service.repository.policy import canary_of, current_of, labels_of, shadow_of
from service.repository.route import Route
from service.repository.states import VersionRow
from service.web.counters import Counters
from service.web.traffic_figures import FAMILIES, canary_figures, shadow_figures


def route_record(rows: list[VersionRow], route: Route) -> Json:
    """Out of the model's settled rows."""
    return {
        "model": route.model,
        "revision": route.revision,
        "current": current_of(rows),
        "is_pinned": route.is_pinned,
        "is_unloaded": route.is_unloaded,
        "previous": list(route.previous),
        "labels": labels_of(rows, route),
        "canary": _canary(rows, route),
        "shadow": _shadow(rows, route),
        "retired": list(route.retired),
    }


def with_figures(record: Json, counters: Counters) -> Json:
    """The same with what canary and shadow have come to, over all workers since they started."""
    if record["canary"] is None and record["shadow"] is None:
        return record
    families = counters.families(FAMILIES, record["model"])
    for kind, figures in (("canary", canary_figures), ("shadow", shadow_figures)):
        if record[kind] is not None:
            record[kind] = {**record[kind], "figures": figures(families, record["model"])}
    return record


def _canary(rows: list[VersionRow], route: Route) -> Json | None:
    if route.canary is None:
        return None
    found = canary_of(rows, route)
    return {
        "label": route.canary.label,
        "percent": route.canary.percent,
        "header": route.canary.header,
        "version": None if found is None else found[0],
    }


def _shadow(rows: list[VersionRow], route: Route) -> Json | None:
    return {"label": route.shadow, "version": shadow_of(rows, route)} if route.shadow else None
