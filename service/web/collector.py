"""What is true at the moment of a scrape: which versions there are, how they are, who asks them.

All of it is told by the database, so that it is the same whichever worker answers the scrape; only
when a version was loaded last is this worker's own. While the database is away, what it alone knows
is left out: where requests go, and how other workers are.
"""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service import __version__
from service.repository.policy import by_model, canary_of, current_of, labels_of, shadow_of
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.web.compiled_files import UNKNOWN, File
from service.web.model_view import ModelView
from service.web.swap_counts import Moves

VERSION = ["model", "version"]
WHOLE = 100.0


class ModelCollector(Collector):
    """Made for one scrape out of one view; `files` are by artefact, `swaps` none if not known."""

    def __init__(
        self, view: ModelView, files: Mapping[str, File] | None = None, swaps: Moves | None = None
    ) -> None:
        self._view = view
        self._files = files or {}
        self._swaps = swaps
        self._models = by_model(view.rows)

    def collect(self) -> Iterator[Metric]:
        """The families, one after the other."""
        build = GaugeMetricFamily(
            "kerasd_build_info", "The running program.", labels=["version", "python"]
        )
        build.add_metric([__version__, platform.python_version()], 1)
        yield build
        yield from (self._states(), self._loaded())
        if self._view.is_whole:
            yield from (self._versions(), self._revisions())
            yield from self._places()
            yield from self._traffic()
        if self._swaps is not None:
            yield _swapped(self._swaps)

    def _states(self) -> Metric:
        state = GaugeMetricFamily(
            "kerasd_model_state",
            "1 for the state that a version is in.",
            labels=[*VERSION, "state"],
        )
        for row in self._view.rows:
            state.add_metric([*_names(row), row.state.value], 1)
        return state

    def _loaded(self) -> Metric:
        loaded_at = GaugeMetricFamily(
            "kerasd_model_last_load_timestamp_seconds",
            "When the version was loaded by the worker that answers the scrape.",
            labels=VERSION,
        )
        for row in self._view.rows:
            slot = self._view.slot(row)
            if slot is not None:
                loaded_at.add_metric(_names(row), slot.loaded_at)
        return loaded_at

    def _versions(self) -> Metric:
        info = GaugeMetricFamily(
            "kerasd_model_info",
            "A version in the repository; sha256 is that over its files, as long as they serve; "
            "alias is its labels, separated by commas.",
            labels=[*VERSION, "sha256", "format", "keras_version", "alias"],
        )
        for model, rows in self._models.items():
            labels = labels_of(rows, self._view.route(model))
            for row in rows:
                if row.state is State.RETIRED:
                    continue
                alias = ",".join(sorted(name for name, to in labels.items() if to == row.version))
                file = self._files.get(row.artefact, UNKNOWN)
                info.add_metric([*_names(row), row.artefact, *file, alias], 1)
        return info

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
        for row in self._view.rows:
            if row.served or row.state not in (State.READY, State.RETIRED):
                ready.add_metric(_names(row), int(self._view.is_ready(row)))
            if row.served:
                for state, count in sorted(Counter(self._view.loading(row)).items()):
                    workers.add_metric([*_names(row), state.value], count)
        yield from (ready, workers)

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
            route = self._view.route(model)
            for name, version in sorted(labels_of(rows, route).items()):
                label.add_metric([model, str(version), name], 1)
            answering = current_of(rows)
            if answering is not None:
                current.add_metric([model, str(answering)], 1)
                for arm, version, share in _arms(rows, route, answering):
                    percent.add_metric([model, str(version), arm], share)
        yield from (current, label, percent)

    def _revisions(self) -> Metric:
        revision = GaugeMetricFamily(
            "kerasd_model_route_revision",
            "Rises with each change of where the model's requests go, and while one is prepared.",
            labels=["model"],
        )
        for model, route in sorted(self._view.routes.items()):
            revision.add_metric([model], route.revision)
        return revision


def _swapped(moves: Moves) -> Metric:
    swaps = CounterMetricFamily(
        "kerasd_model_swaps",
        "How often another version of the model became current, by the action in the audit.",
        labels=["model", "reason"],
    )
    for (model, reason), count in sorted(moves.items()):
        swaps.add_metric([model, reason], count)
    return swaps


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
