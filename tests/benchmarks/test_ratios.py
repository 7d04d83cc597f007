"""Ratios are the rounds' own, against the hardest of several rivals, or against a loop."""

import pytest

from benchmarks import workloads
from benchmarks.ratios import compare, compare_hardest, p99_ms, per_s, short
from tests.benchmarks.cells import cell, loop


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    mine = [cell("kerasd", 100, 0), cell("kerasd", 10, 1), cell("kerasd", 300, 2)]
    theirs = [cell("mosec", 50, 0), cell("mosec", 10, 1), cell("mosec", 100, 2)]

    ratio = compare([*mine, *theirs], mine, "mosec", per_s)

    assert ratio is not None
    assert (ratio.median, ratio.least, ratio.most) == (2.0, 1.0, 3.0)


def test_a_round_without_the_rival_does_not_count() -> None:
    mine = [cell("kerasd", 100, 0), cell("kerasd", 100, 1)]

    ratio = compare([*mine, cell("mosec", 50, 1)], mine, "mosec", per_s)

    assert ratio is not None
    assert ratio.median == 2.0


def test_those_who_never_met_have_no_ratio() -> None:
    mine = [cell("kerasd", 100)]
    elsewhere = cell("mosec", 50, workload=workloads.CROWDED)

    assert compare([*mine, elsewhere], mine, "mosec", per_s) is None


def test_a_rival_that_answered_nothing_has_no_ratio() -> None:
    mine = [cell("kerasd", 100)]

    assert compare([*mine, cell("mosec", 0)], mine, "mosec", per_s) is None


def test_the_hardest_rival_may_be_another_one_each_round() -> None:
    mine = [cell("kerasd", 1, 0, p99_ms=4), cell("kerasd", 1, 1, p99_ms=4)]
    rivals = [
        *(cell("mosec", 1, number, p99_ms=value) for number, value in enumerate((2, 8))),
        *(cell("bentoml", 1, number, p99_ms=value) for number, value in enumerate((8, 1))),
    ]

    ratio = compare_hardest([*mine, *rivals], mine, ("mosec", "bentoml"), p99_ms, max)

    assert ratio is not None
    assert (ratio.least, ratio.most) == (2.0, 4.0)


def test_a_race_is_held_against_the_loop_over_as_many_rows() -> None:
    mine = [cell("kerasd", 800, workload=workloads.BULK_BINARY)]
    loops = [loop("onnxruntime", "mlp-loop-1", 9000), loop("onnxruntime", "mlp-loop-256", 1000)]

    ratio = compare([*mine, *loops], mine, "onnxruntime", per_s)

    assert ratio is not None
    assert ratio.median == 0.8


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.004, "1/250"), (0.5, "0.5"), (1.234, "1.23"), (123.4, "123")]
)
def test_a_ratio_is_short(ratio: float, text: str) -> None:
    assert short(ratio) == text
