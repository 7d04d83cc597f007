"""The table about serving while training."""

from dataclasses import replace

from benchmarks.retrains import Training
from benchmarks.training_table import document

FOUND = Training(
    capacity_per_s=2000, offered_per_s=1000, requests=50_000, failed=0,
    alone_ms=4.0, training_ms=6.0, alone_p50_ms=[1.0, 1.1, 1.2], training_p50_ms=[1.1, 1.2, 1.3],
    alone_p99_ms=[4.0, 5.0, 4.0], training_p99_ms=[6.0, 7.5, 40.0],
    job_s=[20.0, 21.0, 22.0], alone_others=[0.1, 0.0, 0.1], training_others=[0.2, 0.0, 0.3],
)  # fmt: skip


def line(found: Training, what: str) -> str:
    (told,) = [row for row in document("here", found).splitlines() if row.startswith(f"| {what}")]
    return told


def test_all_rounds_together_are_held_against_the_goal() -> None:
    assert line(FOUND, "p99 while a retrain runs, of") == (
        "| p99 while a retrain runs, of that without | 1.50 | at most 2 | met |"
    )
    slow = replace(FOUND, training_ms=9.0)
    assert line(slow, "p99 while a retrain runs, of").endswith("| 2.25 | at most 2 | MISSED |")


def test_no_request_may_fail() -> None:
    assert line(FOUND, "failed") == "| failed | 0 | none | met |"
    assert line(replace(FOUND, failed=1), "failed") == "| failed | 1 | none | MISSED |"


def test_every_round_is_told() -> None:
    assert "1.50, 1.50, 10.00" in line(FOUND, "the same, by rounds")
    assert "4.00, 5.00, 4.00 ms" in line(FOUND, "p99 without")
    assert "20, 21, 22 s" in line(FOUND, "a retrain")
    assert "0.20, 0.00, 0.30" in line(FOUND, "cores that others used, while")
