"""A goal is met or missed by the median ratio to its hardest rival."""

from dataclasses import replace

import pytest

from benchmarks import workloads
from benchmarks.goals import GOALS, Goal, judge, judge_overload
from benchmarks.options import WORKLOADS
from benchmarks.overload import Overload
from benchmarks.ratios import cpu_us, per_s
from tests.benchmarks.cells import cell

FAST = Goal("requests per second", per_s, workloads.BUSY, ("mosec", "bentoml"), at_least=3)
CHEAP = Goal("CPU time a request", cpu_us, workloads.BUSY, ("mosec",), at_most=1)
CALM = Overload(
    contestant="kerasd",
    capacity_per_s=100,
    calm_p99_ms=20,
    offered_per_s=1000,
    accepted_per_s=90,
    refused=900,
    accepted=100,
    wrong=0,
    lost=0,
    other=0,
    held_back=0,
    p50_ms=50,
    p99_ms=90,
)


@pytest.mark.parametrize(("rate", "verdict"), [(300, "met"), (299, "MISSED")])
def test_at_least_is_held_against_the_fastest(rate: float, verdict: str) -> None:
    cells = [cell("kerasd", rate), cell("mosec", 10), cell("bentoml", 100)]

    assert FAST.verdict(FAST.ratio(cells)) == verdict


@pytest.mark.parametrize(("cost", "verdict"), [(100, "met"), (101, "MISSED")])
def test_at_most_is_held_against_the_cheapest(cost: float, verdict: str) -> None:
    cells = [cell("kerasd", 1, cpu_us=cost), cell("mosec", 1, cpu_us=100)]

    assert CHEAP.verdict(CHEAP.ratio(cells)) == verdict


def test_what_was_not_measured_is_not_met() -> None:
    assert FAST.verdict(FAST.ratio([cell("kerasd", 1e6)])) == "not measured"


def test_every_goal_has_its_row() -> None:
    rows = judge([cell("kerasd", 100), cell("triton-py-ort", 50)])

    assert len(rows) == len(GOALS)
    assert rows[0][-3:] == ["2 (2 to 2)", "at least 1.5", "met"]


def test_goals_speak_of_workloads_that_there_are() -> None:
    assert {goal.workload.name for goal in GOALS} <= set(WORKLOADS)


def test_an_overload_that_refuses_and_serves_meets_its_goals() -> None:
    assert [row[-1] for row in judge_overload(CALM)] == ["met", "met", "met"]


@pytest.mark.parametrize(
    "found", [replace(CALM, wrong=1), replace(CALM, lost=1), replace(CALM, other=1)]
)
def test_an_overload_that_loses_one_misses(found: Overload) -> None:
    assert judge_overload(found)[0][-1] == "MISSED"


def test_an_overload_that_stalls_misses() -> None:
    found = replace(CALM, accepted_per_s=40, refused=0)

    assert [row[-1] for row in judge_overload(found)] == ["met", "MISSED", "MISSED"]
