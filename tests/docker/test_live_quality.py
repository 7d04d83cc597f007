"""Panels and rules of quality and training in a real Prometheus, over figures that are known.

Nine ill among a thousand: 2 found, 7 missed, 3 healthy ones taken for ill; two replicas tell of it.
"""

import time
from collections.abc import Iterator

import pytest

from tests.docker.live import PrivatePrometheus, scraping, silent_panels, silent_rules
from tests.docker.panels import queries
from tests.docker.pretended import pretending
from tests.docker.rules import groups
from tests.running import wait_until

pytestmark = pytest.mark.slow
QUALITY = [name for name in groups() if name.startswith(("kerasd-feedback", "kerasd-quality"))]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePrometheus]:
    with pretending(2) as (target, addresses), scraping(addresses) as started:
        wait_until(
            lambda: bool(started.query("job_model_version:kerasd_feedback_rows:increase7d")),
            "the counters' beginning was seen", 30,
        )  # fmt: skip
        target.tell_labels()
        wait_until(
            lambda: not silent_rules(started, *QUALITY) and "KerasdClassMissed" in started.firing(),
            "rules and alerts", 60,
        )  # fmt: skip
        target.tell_labels()
        time.sleep(3)  # two scrapes more, so that there are rates
        yield started


@pytest.mark.parametrize("dashboard", ["quality", "training"])
def test_panels_have_data(server: PrivatePrometheus, dashboard: str) -> None:
    assert silent_panels(server, dashboard) == []


def test_rules_have_data(server: PrivatePrometheus) -> None:
    assert silent_rules(server, *QUALITY, "kerasd-mix-1h", "kerasd-mix-1d") == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("job_model_version:kerasd_accuracy:ratio_increase1h", 0.99),
        ('job_model_version_class:kerasd_precision:ratio_increase1h{class="ill"}', 0.4),
        ('job_model_version_class:kerasd_recall:ratio_increase1h{class="ill"}', 0.2222),
        ('job_model_version_class:kerasd_f1:ratio_increase1h{class="ill"}', 0.2857),
        ("job_model_version:kerasd_balanced_accuracy:ratio_increase1h", 0.6096),
        ("job_model_version:kerasd_mcc:ratio_increase1h", 0.2935),
        ("job_model_version:kerasd_no_information_rate:ratio_increase1h", 0.991),
        ("job_model_version:kerasd_feedback_rows:increase1h", 2000),
    ],
)
def test_scores(server: PrivatePrometheus, record: str, expected: float) -> None:
    assert server.value(record) == pytest.approx(expected, abs=5e-5)


def test_the_matrix_counts_each_row_of_both_versions_once(server: PrivatePrometheus) -> None:
    (query,) = [query for query in queries("quality") if query.panel == "Confusion"]
    found = {
        (series["metric"]["true_class"], series["metric"]["predicted_class"]): series["value"][1]
        for series in server.query(query.for_everything)
    }
    assert found == {
        ("healthy", "healthy"): "1976",
        ("healthy", "ill"): "6",
        ("ill", "healthy"): "14",
        ("ill", "ill"): "204",
    }


def test_a_class_is_missed_while_accuracy_looks_fine(server: PrivatePrometheus) -> None:
    assert {"KerasdClassMissed", "KerasdNoLiftOverMajority"} <= server.firing()
    assert "KerasdAccuracyBelowBaseline" not in server.firing()
