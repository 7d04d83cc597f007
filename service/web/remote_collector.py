"""How the mirror of a remote repository stands, at a scrape."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.repository.remote.status import read_status

NAME = "kerasd_remote_repository"


class RemoteCollector(Collector):
    """What the mirror's keeper in this state directory has left last."""

    def __init__(self, mirror_dir: Path) -> None:
        self._mirror_dir = mirror_dir

    def collect(self) -> Iterator[Metric]:
        status = read_status(self._mirror_dir)
        if status is None:
            return
        yield GaugeMetricFamily(
            f"{NAME}_up",
            "Whether the last look at the remote repository was answered.",
            float(status.is_up),
        )
        yield GaugeMetricFamily(
            f"{NAME}_last_sync_timestamp_seconds",
            "When the mirror was last known to be what the remote repository is.",
            status.synced_at,
        )
        yield GaugeMetricFamily(
            f"{NAME}_incomplete",
            "Versions in the remote repository that can't be taken: the log says which and why.",
            status.incomplete,
        )
        yield CounterMetricFamily(
            f"{NAME}_bytes", "Bytes fetched from the remote repository.", status.bytes
        )
        yield CounterMetricFamily(
            f"{NAME}_failures",
            "Looks at the remote repository that failed.",
            status.requests_failed,
        )
