"""What is true at the moment of a scrape: which versions there are, how they are, who asks them.

All of it is told by the database, so that it is the same whichever worker answers the scrape; only
when a version was loaded last is this worker's own.
"""

import platform
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service import __version__
from service.repository.policy import by_model, canary_of, current_of, labels_of, shadow_of
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.web.model_view import UNKNOWN, ModelView

VERSION = ["model", "version"]
WHOLE = 100.0


class ModelCollector(Collector):
    """Made for one scrape out of one view."""

    def __init__(self, view: ModelView) -> None:
        self._view = view
        self._models = by_model(view.rows)

    def collect(self) -> Iterator[Metric]:
        """The families, one after the other."""
        build = GaugeMetricFamily(
            "kerasd_build_info", "The running program.", labels=["version", "python"]
        )
        build.add_metric([__version__, platform.python_version()], 1)
        yield build
        yield from self._versions()
        yield from self._places()
        yield from self._traffic()
        yield from self._changes()

    def _versions(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "kerasd_model_info",
            "A version in the repository; sha256 is that over its files, as long as they serve; "
            "alias is its labels, separated by commas.",
            labels=[*VERSION, "sha256", "format", "keras_version", "alias"],
        )
        state = GaugeMetricFamily(
            "kerasd_model_state",
            "1 for the state that a version is in.",
            labels=[*VERSION, "state"],
        )
        for model, rows in self._models.items():
            labels = labels_of(rows, self._route(model))
            for row in rows:
                state.add_metric([*_names(row), row.state.value], 1)
                if row.state is State.RETIRED:
                    continue
                alias = ",".join(sorted(name for name, to in labels.items() if to == row.version))
                file = self._view.files.get(row.artefact, UNKNOWN)
                info.add_metric([*_names(row), row.artefact, *file, alias], 1)
        yield from (info, state)

    def _places(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily(
            "kerasd_model_ready",
            "1 if every worker answers for the version, 0 if it should and one doesn't.",
            labels=VERSION,
        )
        workers = GaugeMetricFamily(
            "kerasd_model_workers",
            "How many workers have come how far with a version that should be loaded: LOADED, "
            "LOADING, COLD, RETRYING, FAILED.",
            labels=[*VERSION, "state"],
        )
        loaded_at = GaugeMetricFamily(
            "kerasd_model_last_load_timestamp_seconds",
            "When the version was loaded by the worker that answers the scrape.",
            labels=VERSION,
        )
        for row in self._view.rows:
            if row.served or row.state not in (State.READY, State.RETIRED):
                ready.add_metric(_names(row), int(self._view.is_ready(row)))
            if row.served:
                for state, count in sorted(Counter(self._view.loading(row)).items()):
                    workers.add_metric([*_names(row), state], count)
            slot = self._view.slots.get((row.model, row.version))
            if slot is not None:
                loaded_at.add_metric(_names(row), slot.loaded_at)
        yield from (ready, workers, loaded_at)

    def _traffic(self) -> Iterator[Metric]:
        current = GaugeMetricFamily(
            "kerasd_model_current",
            "1 for the version that answers requests which name none.",
            labels=VERSION,
        )
        label = GaugeMetricFamily(
            "kerasd_model_label",
            "1 for the version that a label stands for.",
            labels=[*VERSION, "label"],
        )
        percent = GaugeMetricFamily(
            "kerasd_model_traffic_percent",
            "Share of the requests that name no version: answered by the current version or the "
            "canary, copied to the shadow.",
            labels=[*VERSION, "arm"],
        )
        for model, rows in self._models.items():
            route = self._route(model)
            for name, version in sorted(labels_of(rows, route).items()):
                label.add_metric([model, str(version), name], 1)
            answering = current_of(rows)
            if answering is not None:
                current.add_metric([model, str(answering)], 1)
                for arm, version, share in _arms(rows, route, answering):
                    percent.add_metric([model, str(version), arm], share)
        yield from (current, label, percent)

    def _changes(self) -> Iterator[Metric]:
        revision = GaugeMetricFamily(
            "kerasd_model_route_revision",
            "How often it was changed where requests for the model go.",
            labels=["model"],
        )
        for model, route in sorted(self._view.routes.items()):
            revision.add_metric([model], route.revision)
        swaps = CounterMetricFamily(
            "kerasd_model_swaps",
            "How often another version of the model became current, by the action in the audit.",
            labels=["model", "reason"],
        )
        for (model, reason), count in sorted(self._view.swaps.items()):
            swaps.add_metric([model, reason], count)
        yield from (revision, swaps)

    def _route(self, model: str) -> Route:
        return self._view.routes.get(model) or Route(model)


def _arms(rows: list[VersionRow], route: Route, current: int) -> Iterator[tuple[str, int, float]]:
    """Who sees how much; the shadow sees what the current version answers."""
    share = WHOLE
    canary = canary_of(rows, route)
    if canary is not None:
        version, wanted = canary
        share -= wanted.percent
        yield "canary", version, wanted.percent
    yield "current", current, share
    shadow = shadow_of(rows, route)
    if shadow is not None:
        yield "shadow", shadow, share


def _names(row: VersionRow) -> list[str]:
    return [row.model, str(row.version)]
