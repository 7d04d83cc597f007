"""The rules of the gate are read strictly, and held against what a model answers."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.gate import Gate, unfit

NAMES = ("ant", "bee", "cat")


def test_the_defaults_ask_for_any_real_gain() -> None:
    gate = Gate()
    assert (gate.metric, gate.min_gain, gate.min_rows, gate.chance) == (None, 0, 20, True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metric": "acc"}, "metric"),
        ({"min_gain": float("nan")}, "finite"),
        ({"min_class_recall": 1.5}, "expected a number from 0 to 1, or one for each named class"),
        ({"min_class_recall": {"ant": -1}}, "expected a number from 0 to 1"),
        ({"significance": 1}, "less than 1"),
        ({"min_accuracy": 1}, "min_accuracy"),
    ],
    ids=["metric", "nan", "share", "share of a class", "significance", "unknown"],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Gate.model_validate(given)


@pytest.mark.parametrize(
    ("given", "form", "told"),
    [
        ({}, "classes", ""),
        ({"metric": "rmse"}, "classes", "there is no rmse of a model that answers with 3 classes"),
        ({"metric": "f1"}, "classes", "no f1"),
        ({"metric": "macro_f1"}, "values", "no macro_f1"),
        ({"metric": "roc_auc"}, "sets", "no roc_auc"),
        ({"metric": "loss"}, "values", ""),
        ({"min_class_recall": 0.5}, "values", "has no classes"),
        ({"min_class_recall": {"dog": 0.5}}, "classes", "there is no class 'dog'"),
        ({"min_class_recall": {"ant": 0.5}}, "classes", ""),
        ({"min_class_recall": {7: 0.5}}, "classes", "there is no class '7'"),
        ({"significance": 0.05}, "values", "McNemar"),
    ],
    ids=str,
)
def test_rules_that_say_nothing_of_a_model_are_told(
    given: dict[str, Any], form: str, told: str
) -> None:
    found = unfit(Gate.model_validate(given), form, NAMES)
    assert told in found
    assert bool(told) == bool(found)


def test_of_two_classes_one_is_looked_for() -> None:
    assert not unfit(Gate(metric="recall"), "classes", ("no", "yes"))
