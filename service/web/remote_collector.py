"""How the mirrors of a remote repository stand, at a scrape."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.repository.remote.status import WHOLE, Status, read_status
from service.repository.store_heartbeats import CONTROLLER, Heartbeat

NAME = "kerasd_remote_repository"
WEB = "web"


class RemoteCollector(Collector):
    """What those who mirror have told last: the controller, wherever it is, and the web process."""

    def __init__(self, mirror_dir: Path, heartbeat: Heartbeat | None) -> None:
        self._told = told_of(mirror_dir, heartbeat)

    def collect(self) -> Iterator[Metric]:
        """The families; none where nobody has told anything."""
        if not self._told:
            return
        up = _gauge("up", "Whether the last look at the remote repository was answered.")
        synced = _gauge(
            "last_sync_timestamp_seconds",
            "When the mirror was last known to be what the remote repository is.",
        )
        incomplete = _gauge(
            "incomplete",
            "Versions in the remote repository that can't be taken: the log says which and why.",
        )
        fetched = _counter("bytes", "Bytes fetched from the remote repository.")
        failures = _counter("failures", "Looks at the remote repository that failed.")
        for process, status in self._told.items():
            up.add_metric([process], float(status.is_up))
            synced.add_metric([process], status.synced_at)
            incomplete.add_metric([process], status.incomplete)
            fetched.add_metric([process], status.bytes)
            failures.add_metric([process], status.requests_failed)
        yield from (up, synced, incomplete, fetched, failures)


def told_of(mirror_dir: Path, heartbeat: Heartbeat | None) -> Mapping[str, Status]:
    """By process. What lies here is the controller's where it mirrors into this very folder."""
    found: dict[str, Status] = {}
    here = read_status(mirror_dir)
    if here is not None:
        found[CONTROLLER if (mirror_dir / WHOLE).exists() else WEB] = here
    if heartbeat is not None and heartbeat.mirror is not None:
        found[CONTROLLER] = heartbeat.mirror
    return found


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{NAME}_{name}", text, labels=["process"])


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"{NAME}_{name}", text, labels=["process"])
