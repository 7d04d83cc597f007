"""What all workers have counted, for scrapes and for answers that tell some of it."""

from collections.abc import Callable, Collection
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.base.metric_files import MetricFiles
from service.base.metrics import REGISTRY, counts_in_files

LAST_LINE = b"# EOF\n"  # of OpenMetrics: nothing comes after it


class Counters:
    """Kept, because files are read on from where they ended the last time.

    A process that doesn't count in files tells of itself alone.
    """

    def __init__(self) -> None:
        self._files = MetricFiles(_folder()) if counts_in_files() else None

    def text(self, encode: Callable[[Collector], bytes], is_openmetrics: bool) -> bytes:
        """All of it in the form that is asked for, without OpenMetrics' last line."""
        if self._files is None:
            return encode(REGISTRY).removesuffix(LAST_LINE)
        return self._files.text(is_openmetrics)

    def families(self, names: Collection[str], model: str = "") -> list[Metric]:
        """Some families, with at least the series of this model, or of all."""
        if self._files is None:
            return [family for family in REGISTRY.collect() if family.name in names]
        return self._files.families(names, model)


def _folder() -> Path:
    """Where prometheus_client counts; it has read that from the environment itself."""
    return Path(MultiProcessCollector(None)._path)  # type: ignore[no-untyped-call]
