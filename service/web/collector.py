"""What is true at the moment of a scrape: which models there are and which are ready."""

import platform
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service import __version__
from service.repository.states import State, VersionRow
from service.runtime.pool import Pool
from service.web.served import ServedVersion


class ModelCollector(Collector):
    """Made for one scrape out of this worker's view of the versions."""

    def __init__(self, rows: list[VersionRow], pool: Pool[ServedVersion]) -> None:
        self._rows = [row for row in rows if row.state is not State.RETIRED]
        self._slots = {(slot.model, slot.version): slot for slot in pool.slots()}

    def collect(self) -> Iterator[Metric]:
        """The gauges, one after the other."""
        build = GaugeMetricFamily(
            "kerasd_build_info", "The running program.", labels=["version", "python"]
        )
        build.add_metric([__version__, platform.python_version()], 1)
        yield build
        info = GaugeMetricFamily(
            "kerasd_model_info",
            "A version in the repository; sha256 is that over its files, as long as they serve.",
            labels=["model", "version", "state", "sha256", "format", "keras_version"],
        )
        ready = GaugeMetricFamily(
            "kerasd_model_ready",
            "1 if the version is loaded and answers, 0 if it should but doesn't.",
            labels=["model", "version"],
        )
        loaded_at = GaugeMetricFamily(
            "kerasd_model_last_load_timestamp_seconds",
            "When the version was loaded by the worker that answers the scrape.",
            labels=["model", "version"],
        )
        for row in self._rows:
            names = [row.model, str(row.version)]
            slot = self._slots.get((row.model, row.version))
            file = (
                (slot.served.facts.identity.format, slot.served.facts.identity.keras_version)
                if slot
                else ("", "")
            )
            info.add_metric([*names, row.state.value, row.artefact, *file], 1)
            if row.served or row.state is not State.READY:
                ready.add_metric(names, 0 if slot is None else 1)
            if slot is not None:
                loaded_at.add_metric(names, slot.loaded_at)
        yield from (info, ready, loaded_at)
