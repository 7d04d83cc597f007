"""Every inspection ends with what to do next."""

from dataclasses import replace

import pytest

from service.loading.advice import next_steps
from service.loading.inspected import Inspection, Training

FINE = Inspection("h5", "3.15.1", "tensorflow", {}, "m.h5", "m.h5", era="Keras 3")


def test_a_file_of_today_is_served() -> None:
    assert next_steps(FINE) == ["It can be served: kerasd serve FILE"]


def test_an_old_file_can_be_made_new() -> None:
    first, second = next_steps(replace(FINE, era="Keras 1"))

    assert first == "It can be served: kerasd serve FILE"
    assert "written by Keras 1" in second
    assert "kerasd convert OLD NEW.keras" in second


def test_optimizer_state_is_told() -> None:
    steps = next_steps(replace(FINE, training=Training(has_optimizer_state=True)))

    assert "a retrain goes on with it where it fits" in steps[-1]


def test_a_lambda_is_to_be_replaced_or_vouched_for_by_digest() -> None:
    steps = next_steps(replace(FINE, lambdas=("a Lambda",)), "f" * 64)

    assert steps[0] == "It can't be served as it is."
    assert any(f"allow_lambda: {{1: {'f' * 64}}}" in step for step in steps)


def test_vouching_is_no_advice_where_it_would_not_help() -> None:
    steps = next_steps(replace(FINE, lambdas=("a Lambda",), hazards=("names os.system",)))

    assert not any("allow_lambda" in step for step in steps)


def test_custom_classes_are_to_be_registered() -> None:
    steps = next_steps(replace(FINE, custom_classes=("TCN", "Mine")))

    assert "once its classes are registered" in steps[0]
    assert "TCN, Mine" in steps[1]
    assert "kerasd.custom_objects" in steps[1]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(FINE, hazards=("names os.system",)), "don't open it with Keras either"),
        (replace(FINE, faults=("layer x",)), "contradicts itself"),
        (replace(FINE, unsupported=("4 GiB",)), "beyond what is served here"),
    ],
)
def test_what_can_not_be_served_says_so(found: Inspection, words: str) -> None:
    steps = next_steps(found)

    assert steps[0] == "It can't be served as it is."
    assert any(words in step for step in steps)
