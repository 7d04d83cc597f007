"""Every panel of Model quality and Training has data when real replicas are scraped under feedback.

Of a version's labels one in ten is of another class than was said, some are corrected, some are
refused; every figure counts once, though both replicas tell it.
"""

import time
from collections.abc import Iterator

import pytest

from tests.docker.labelled import CLASSES, MODEL, PRICES, ROWS, Replicas, replicas
from tests.docker.live import PrivatePrometheus, scraping, silent_panels, silent_rules
from tests.docker.panels import queries
from tests.docker.rules import groups
from tests.running import wait_until

pytestmark = pytest.mark.slow
QUALITY = [name for name in groups() if name.startswith(("kerasd-feedback", "kerasd-quality"))]
MIX = ("kerasd-mix-1h", "kerasd-mix-1d")
REQUESTS = {1: 4, 2: 8}  # of each round, by version
ROUNDS = 2
LABELLED = ROUNDS * ROWS * sum(REQUESTS.values())
BEGINNING = "job_model_version:kerasd_feedback_rows:increase7d"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    with replicas(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest.fixture(scope="module")
def server(site: Replicas) -> Iterator[PrivatePrometheus]:
    """After two rounds of predictions and labels: a rate needs more than one scrape."""
    site.evaluate()
    with scraping(site.urls) as started:
        wait_until(lambda: bool(started.query(BEGINNING)), "the counters' beginning was seen", 60)
        site.retrain()
        for _ in range(ROUNDS):
            one_round(site)
            time.sleep(3)  # two scrapes
        wait_until(
            lambda: not silent_rules(started, *QUALITY, *MIX)
            and not silent_panels(started, "quality", "training"),
            "panels and rules have data", 90,
        )  # fmt: skip
        yield started


def one_round(site: Replicas) -> None:
    for version, times in REQUESTS.items():
        for _ in range(times):
            ids, said = site.predict(MODEL, version)
            rows = [(id_, other(label)) for id_, label in zip(ids, said, strict=True)]
            site.label(MODEL, rows[:1])
            right = [*rows[:2], *zip(ids[2:], said[2:], strict=True)]
            assert site.label(MODEL, right) == {"accepted": ROWS - 1, "duplicate": 1}
    assert site.label(MODEL, [rows[0], (ids[1], said[1]), ("never", "benign")]) == {
        "duplicate": 1, "corrected": 1, "unknown_id": 1,
    }  # fmt: skip
    site.label(MODEL, [rows[1]])
    ids, numbers = site.predict(PRICES, 1)
    site.label(PRICES, [(id_, value[0] + 0.5) for id_, value in zip(ids, numbers, strict=True)])


def other(label: str) -> str:
    return CLASSES[1 - CLASSES.index(label)]


@pytest.mark.parametrize("dashboard", ["quality", "training"])
def test_panels_have_data(server: PrivatePrometheus, dashboard: str) -> None:
    assert silent_panels(server, dashboard) == []


def test_rules_have_data(server: PrivatePrometheus) -> None:
    assert silent_rules(server, *QUALITY, *MIX) == []


def test_rows_of_both_replicas_are_counted_once(server: PrivatePrometheus) -> None:
    rows = "sum(job_model_version:kerasd_feedback_rows:increase1h"
    assert server.value(f'{rows}{{model="{MODEL}"}})') == LABELLED
    (query,) = [query for query in queries("quality") if query.panel == "Confusion"]
    found = server.query(query.for_everything)
    cells = {(one["metric"]["true_class"], one["metric"]["predicted_class"]) for one in found}
    assert cells == {(true, said) for true in CLASSES for said in CLASSES}
    assert sum(float(one["value"][1]) for one in found) == LABELLED


def test_the_estimate_stands_beside_what_is_so(server: PrivatePrometheus) -> None:
    estimated = "kerasd_quality_estimated_accuracy_ratio"
    realised = 'kerasd_quality_ratio{metric="accuracy", average="", window="1d", version="2"}'
    gap = 'max(kerasd_quality_estimate_gap_ratio{window="1d", version="2"})'
    assert server.value(f"max({realised})") == pytest.approx(0.9, abs=1e-6)
    assert server.value(f'max({estimated}{{window="1d", version="2"}})') == pytest.approx(
        0.9, abs=0.02
    )
    assert server.value(gap) == pytest.approx(0, abs=0.02)


def test_corrections_are_those_of_the_version(server: PrivatePrometheus) -> None:
    corrections = "max by (version) (kerasd_feedback_corrections_total)"
    found = {one["metric"]["version"]: one["value"][1] for one in server.query(corrections)}
    assert found == {"1": "0", "2": str(2 * ROUNDS)}


def test_retrains_are_told_by_how_they_ended(server: PrivatePrometheus) -> None:
    runs = f'max by (outcome) (kerasd_training_runs_total{{model="{MODEL}", trigger="api"}})'
    found = {one["metric"]["outcome"]: one["value"][1] for one in server.query(runs)}
    assert found == {"succeeded": "1", "failed": "1", "cancelled": "0", "not_promoted": "0"}
    assert server.value("max(kerasd_training_in_progress)") == 1


def test_nothing_is_alarming(server: PrivatePrometheus) -> None:
    assert "KerasdClassMissed" not in server.firing()
    assert server.unhealthy_rules() == []
