"""When the controller last worked, at a scrape: nothing listens there that could be asked."""

from collections.abc import Iterator

import sqlalchemy.exc
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.repository.store_heartbeats import CONTROLLER, Heartbeat, HeartbeatStore


def read_heartbeat(store: HeartbeatStore) -> Heartbeat | None:
    """The controller's; none while the database is away, or where there never was a controller."""
    try:
        return store.read(CONTROLLER)
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        return None


class HeartbeatCollector(Collector):
    """Made for one scrape, in whichever process on whichever machine."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat

    def collect(self) -> Iterator[Metric]:
        """Both times, by the controller's clock."""
        yield GaugeMetricFamily(
            "kerasd_controller_last_step_timestamp_seconds",
            "When the controller last did all that it does in a turn.",
            self._heartbeat.stepped_at,
        )
        yield GaugeMetricFamily(
            "kerasd_controller_start_timestamp_seconds",
            "When the controller that worked last had begun.",
            self._heartbeat.started_at,
        )
