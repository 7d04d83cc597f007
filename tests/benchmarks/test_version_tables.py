"""The tables about promotions and many models say what was missed."""

from dataclasses import replace

import pytest

from benchmarks.many_models import ManyModels
from benchmarks.swaps import Swaps
from benchmarks.version_tables import many_document, swaps_document

SWAPS = Swaps(
    capacity_per_s=1000,
    offered_per_s=500,
    requests=10_000,
    failed=0,
    other=0,
    old=0,
    steady_p99_ms=[2.0, 4.0, 3.0],
    swapping_p99_ms=[2.2, 8.0, 3.6],
    during_p99_ms=9.0,
    swap_ms=[100.0, 200.0],
    drain_ms=None,
    others_cores=0.01,
    before_mb=200,
    after_mb=206,
)
MANY = ManyModels(
    models=200,
    budget_mb=64,
    ready_s=3.0,
    bare_mb=80,
    ready_mb=90,
    most_mb=140,
    first_ms=[10.0, 20.0],
    cold_ms=[30.0],
    hot_ms=1.0,
    refused=0,
    wrong=0,
)


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    assert SWAPS.p99_ratio == pytest.approx(1.2)
    assert "| 1.20 | at most 1.5 | met |" in swaps_document("here", SWAPS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"swapping_p99_ms": [4.0, 8.0, 6.0]}, "| 2.00 | at most 1.5 | MISSED |"),
        ({"after_mb": 211.0}, "within 5% | MISSED |"),
        ({"after_mb": 189.0}, "within 5% | MISSED |"),
        ({"failed": 1}, "| failed | 1 | none | MISSED |"),
        ({"old": 2}, "| 2 | none | MISSED |"),
    ],
    ids=["p99", "grown", "shrunk", "failed", "old"],
)
def test_what_is_missed_is_said(change: dict[str, object], words: str) -> None:
    assert "MISSED" not in swaps_document("here", SWAPS)
    assert words in swaps_document("here", replace(SWAPS, **change))  # type: ignore[arg-type]


def test_a_budget_holds_for_what_the_models_take() -> None:
    assert "60 MB over 80 MB with one model | 64 MB over it | met |" in many_document(
        "here", [MANY]
    )
    over = many_document("here", [replace(MANY, most_mb=150)])
    assert "70 MB over 80 MB with one model | 64 MB over it | MISSED |" in over


def test_without_a_budget_nothing_is_asked_of_the_memory() -> None:
    text = many_document("here", [replace(MANY, budget_mb=0, most_mb=900)])
    assert "820 MB over 80 MB with one model |  |  |" in text
