"""What a scrape shows."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.base.metrics import PREDICTIONS, scrape_registry

COUNT = "from service.base.metrics import PREDICTIONS as p; p.labels('digits', '1', '7').inc(2)"
SCRAPE = """
from prometheus_client import generate_latest
from service.base.metrics import scrape_registry
print(generate_latest(scrape_registry()).decode())
"""


class OneGauge(Collector):
    """A collector as the web process brings one: computed at the scrape."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("kerasd_queue_length", "Waiting requests.", value=3)


def _text(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def test_a_scrape_shows_counters_and_the_collectors_given() -> None:
    PREDICTIONS.labels("test-metrics", "1", "cat").inc(5)

    text = _text(scrape_registry(OneGauge()))

    assert ('kerasd_predictions_total{class="cat",model="test-metrics",version="1"} 5.0') in text
    assert "kerasd_queue_length 3.0" in text


def test_a_scrape_leaves_nothing_behind_for_the_next() -> None:
    scrape_registry(OneGauge())

    assert "kerasd_queue_length" not in _text(scrape_registry())


@pytest.mark.slow
def test_a_scrape_sums_all_workers(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env=environment, check=True)

    shown = subprocess.run(
        [sys.executable, "-c", SCRAPE], env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert 'kerasd_predictions_total{class="7",model="digits",version="1"} 4.0' in shown
