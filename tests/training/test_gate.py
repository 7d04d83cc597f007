"""The gate passes what is better by every rule, refuses all else, and says why with figures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.quality.evaluation import Evaluated, evaluate_classes, evaluate_values
from service.recipe.gate import Gate
from service.training.judging.gate import Evidence, chance_of, gain, judge
from service.training.judging.verdict import Reason, Verdict

NAMES = ("ant", "bee")


def classes(matrix: list[list[int]], labels: tuple[str, ...] = NAMES) -> Evaluated:
    """What rows with this confusion matrix come to."""
    true = np.array([t for t, row in enumerate(matrix) for n in row for _ in range(n)])
    said = np.array([p for row in matrix for p, n in enumerate(row) for _ in range(n)])
    values = np.where(np.arange(len(matrix)) == said[:, None], 0.8, 0.2 / (len(matrix) - 1))
    return evaluate_classes(true, said, values, labels)


def reason(verdict: Verdict, rule: str) -> Reason:
    return next(one for one in verdict.reasons if one.rule == rule)


GOOD, BETTER = classes([[40, 10], [10, 40]]), classes([[45, 5], [5, 45]])
GUESSING = classes([[30, 20], [30, 20]])
FREE = Gate(feedback=False, max_latency_ratio=None)


def test_a_better_candidate_passes() -> None:
    verdict = judge(FREE, Evidence("classes", BETTER, GOOD))

    assert verdict.passed
    assert verdict.summary == "the gate was passed"
    told = reason(verdict, "gain")
    assert told.figures["metric"] == "macro_f1"
    assert told.figures["gain"] == pytest.approx(0.1)
    assert "0.9" in told.text
    assert "0.8" in told.text


def test_one_that_is_no_better_is_refused_with_its_figures() -> None:
    verdict = judge(FREE, Evidence("classes", GOOD, GOOD))

    assert not verdict.passed
    assert verdict.summary == reason(verdict, "gain").text
    assert "any gain" in verdict.summary


@pytest.mark.parametrize(
    ("needed", "passed"), [(0.0, True), (0.1, True), (0.11, False), (-0.5, True)]
)
def test_the_gain_must_be_large_enough(needed: float, passed: bool) -> None:
    gate = replace_gate(metric="accuracy", min_gain=needed)
    assert judge(gate, Evidence("classes", BETTER, GOOD)).passed is passed


def test_a_loss_may_be_allowed() -> None:
    gate = replace_gate(metric="accuracy", min_gain=-0.1)
    assert judge(gate, Evidence("classes", GOOD, BETTER)).passed
    assert not judge(replace_gate(min_gain=-0.05), Evidence("classes", GOOD, BETTER)).passed


def test_without_a_champion_only_absolute_rules_count() -> None:
    verdict = judge(Gate(significance=0.05, min_score=0.7), Evidence("classes", GOOD))

    assert verdict.passed
    assert reason(verdict, "gain").passed is None
    assert {one.rule for one in verdict.reasons} == {
        "min_rows", "finite", "chance", "min_score", "gain",
    }  # fmt: skip


def test_who_guesses_is_refused_without_any_champion() -> None:
    verdict = judge(FREE, Evidence("classes", GUESSING))
    assert not verdict.passed
    assert "guessing" in verdict.summary
    assert judge(replace_gate(chance=False), Evidence("classes", GUESSING)).passed


def test_who_always_says_the_frequent_class_guesses() -> None:
    lazy = classes([[990, 0], [10, 0]])
    assert lazy.metrics["accuracy"] == 0.99
    assert not judge(FREE, Evidence("classes", lazy)).passed


def test_guesses_get_past_in_one_of_twenty_cases() -> None:
    rng = np.random.default_rng(3)
    passed = 0
    for _ in range(1000):
        true, said = rng.integers(0, 3, 60), rng.choice(3, 60, p=[0.6, 0.3, 0.1])
        matrix = np.zeros((3, 3), np.int64)
        np.add.at(matrix, (true, said), 1)
        found, _, needed = chance_of(matrix)
        passed += found > needed
    assert 25 <= passed <= 80


def test_too_few_rows_are_no_ground() -> None:
    few = classes([[5, 0], [0, 5]])
    verdict = judge(FREE, Evidence("classes", few, few))
    assert reason(verdict, "min_rows").passed is False
    assert reason(verdict, "min_rows").figures == {"rows": 10, "min_rows": 20}


def test_answers_must_be_finite() -> None:
    values = np.full((30, 2), 0.5)
    values[0] = np.nan
    true = np.arange(30) % 2
    broken = evaluate_classes(true, true, values)
    verdict = judge(replace_gate(chance=False), Evidence("classes", broken))
    assert "1 of 30 answers" in verdict.summary


def test_every_class_must_be_found_often_enough() -> None:
    lopsided = classes([[50, 0], [30, 20]])

    verdict = judge(replace_gate(min_class_recall=0.5), Evidence("classes", lopsided))
    assert [one.passed for one in verdict.reasons if one.rule == "min_class_recall"] == [
        True,
        False,
    ]
    assert "recall of class bee is 0.4 (50 rows): expected 0.5" in verdict.summary
    assert judge(replace_gate(min_class_recall={"ant": 0.9}), Evidence("classes", lopsided)).passed


def test_a_class_without_rows_breaks_a_rule_of_its_own_only() -> None:
    absent = classes([[25, 0, 5], [0, 0, 0], [5, 0, 25]], ("a", "b", "c"))
    every = judge(replace_gate(min_class_recall=0.1), Evidence("classes", absent))
    assert every.passed
    named = judge(replace_gate(min_class_recall={"b": 0.1}), Evidence("classes", absent))
    assert not named.passed


def test_no_class_may_lose_too_much() -> None:
    shifted = classes([[50, 0], [12, 38]])
    evidence = Evidence("classes", shifted, BETTER)
    gate = replace_gate(min_gain=-1, max_class_recall_drop=0.1)

    verdict = judge(gate, evidence)

    assert "class bee goes from 0.9 to 0.76" in verdict.summary
    assert judge(gate.model_copy(update={"max_class_recall_drop": 0.14}), evidence).passed


def test_chance_alone_may_not_explain_the_gain() -> None:
    champion = classes([[40, 10], [10, 40]])
    little = replace(champion, correct=flipped(champion, 3), metrics={"macro_f1": 0.83})
    much = replace(champion, correct=flipped(champion, 12), metrics={"macro_f1": 0.92})
    gate = replace_gate(significance=0.05)

    assert "too few" in judge(gate, Evidence("classes", little, champion)).summary
    told = reason(judge(gate, Evidence("classes", much, champion)), "significance")
    assert told.passed
    assert told.figures["only_b_right"] == 12


def test_a_slower_candidate_is_refused() -> None:
    gate = Gate(feedback=False, max_latency_ratio=1.5)
    assert judge(gate, Evidence("classes", BETTER, GOOD, 1.4)).passed
    verdict = judge(gate, Evidence("classes", BETTER, GOOD, 1.6))
    assert "1.6 times as long" in verdict.summary
    assert (
        reason(judge(gate, Evidence("classes", BETTER, GOOD)), "max_latency_ratio").passed is None
    )


def test_the_latest_labels_must_not_speak_against_it() -> None:
    gate = Gate(max_latency_ratio=None)
    assert judge(gate, Evidence("classes", BETTER, GOOD, live=(BETTER, GOOD))).passed
    verdict = judge(gate, Evidence("classes", BETTER, GOOD, live=(GOOD, BETTER)))
    assert "on the latest 100 labelled predictions" in verdict.summary
    assert judge(gate, Evidence("classes", BETTER, GOOD, live=(GOOD, GOOD))).passed
    few = classes([[2, 0], [2, 0]])
    assert judge(gate, Evidence("classes", BETTER, GOOD, live=(few, BETTER))).passed


def test_numbers_are_judged_by_their_errors() -> None:
    true = np.linspace(0, 1, 50)[:, None]
    close, far = (evaluate_values(true, true + shift) for shift in (0.01, 0.1))
    mean = evaluate_values(true, np.full_like(true, 0.5))

    assert judge(FREE, Evidence("values", close, far)).passed
    verdict = judge(FREE, Evidence("values", far, close))
    assert "rmse is 0.1, the champion's 0.01: -0.09" in verdict.summary
    assert "no better than saying the mean" in judge(FREE, Evidence("values", mean)).summary
    assert not judge(replace_gate(min_score=0.05), Evidence("values", far)).passed


def test_gains_point_upwards_whatever_the_metric() -> None:
    assert gain("accuracy", 0.9, 0.8) == pytest.approx(0.1)
    assert gain("loss", 0.1, 0.3) == pytest.approx(0.2)


def test_a_verdict_is_plain_json() -> None:
    record = judge(FREE, Evidence("classes", BETTER, GOOD)).as_json()
    assert record["passed"] is True
    assert {"rule", "passed", "text", "figures"} == set(record["reasons"][0])


def flipped(found: Evaluated, rows: int) -> np.ndarray:
    """The same rows right, and so many more."""
    assert found.correct is not None
    correct = found.correct.copy()
    correct[np.flatnonzero(~correct)[:rows]] = True
    return correct


def replace_gate(**fields: Any) -> Gate:
    return Gate.model_validate({"feedback": False, "max_latency_ratio": None, **fields})
