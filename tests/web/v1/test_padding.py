"""Sequences of different lengths in one request, where model.yaml declares them."""

from typing import Any

import numpy as np
import pytest

from service.base.errors import RequestInvalid
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.exchange import Facts
from service.web.v1 import padding
from tests.web.v1.calls import OUTPUT, decode, facts, signature

ROWS = [[[1, 2]], [[3, 4], [5, 6], [7, 8]]]
PADDED = [[[1, 2], [0, 0], [0, 0]], [[3, 4], [5, 6], [7, 8]]]


def declared(of: Signature | None = None, **told: Any) -> Facts:
    config = ModelConfig.model_validate({"sequences": {"padding": "post", **told}})
    return facts(of or signature(None, None, 2), config)


@pytest.mark.parametrize(
    "body",
    [
        {"instances": ROWS},
        {"inputs": ROWS},
        {"inputs": {"x": ROWS}},
        {"instances": [{"x": row} for row in ROWS]},
    ],
)
def test_ragged_rows_are_padded_in_every_form(body: dict[str, Any]) -> None:
    asked = decode(body, declared())

    assert asked.inputs["x"].tolist() == PADDED
    assert asked.inputs["x"].dtype == np.float32
    assert asked.rows == 2


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("axis", [None, 4])
def test_rows_of_one_length_are_as_long_as_is_said(form: str, axis: int | None) -> None:
    of = declared(signature(None, axis, 2), max_length=4)
    rows = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]

    short = decode({form: rows}, of).inputs["x"]
    long = decode({form: [row * 4 for row in rows]}, of).inputs["x"]

    assert short.tolist() == [[*row, [0, 0], [0, 0]] for row in rows]
    assert long.tolist() == [(row * 4)[-4:] for row in rows]
    assert short.flags.c_contiguous
    assert long.flags.c_contiguous


def test_without_a_length_rows_of_one_length_stay_as_they_are() -> None:
    assert decode({"instances": ROWS[1:]}, declared()).inputs["x"].tolist() == ROWS[1:]


def test_indices_of_words_are_padded() -> None:
    words = signature(None, None, dtype="int64", vocabulary=9)

    asked = decode({"instances": [[1], [2, 3]]}, declared(words, padding="pre"))

    assert asked.inputs["x"].tolist() == [[0, 1], [2, 3]]


def test_examples_of_classify_have_flat_lists() -> None:
    of = declared(Signature(signature(None, None, 2).inputs, (OUTPUT.__class__(
        "y", "float32", (None, 3), activation="softmax"),)))  # fmt: skip

    asked = decode({"examples": [{"x": [1, 2]}, {"x": [3, 4, 5, 6, 7, 8]}]}, of, "classify")

    assert asked.inputs["x"].tolist() == PADDED


def test_other_inputs_stay_as_they_are() -> None:
    two = Signature(
        (*signature(None, None, 2).inputs, TensorSpec("z", "float32", (None,))), (OUTPUT,)
    )
    rows = [{"x": row, "z": 5} for row in ROWS]

    inputs = decode({"instances": rows}, declared(two)).inputs

    assert inputs["x"].tolist() == PADDED
    assert inputs["z"].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([], "instances[1]: expected at least one element, got an empty list"),
        ([[1, 2], [3]], "instances[1][1]: expected 2 elements, got 1"),
        ([[1, None]], "instances[1][0][1]: expected a number, got null"),
        ([[1, 1e39]], "instances[1][0][1]: expected a number within the range of float32"),
        (5, "instances[1]: expected a list"),
    ],
)
def test_the_step_at_fault_is_named(row: Any, words: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode({"instances": [ROWS[0], row]}, declared())

    assert words in str(caught.value)


def test_without_a_declaration_the_error_says_how_to_make_it() -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode({"instances": ROWS}, facts(signature(None, None, 2)))

    assert "instances[1]: expected 1 elements, got 3; sequences of different lengths" in str(
        caught.value
    )
    assert "`sequences: {padding: post}`" in str(caught.value)


def test_other_ragged_rows_have_no_such_advice() -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode({"instances": [[1, 2], [3]]}, facts(signature(None, 2)))

    assert "sequences" not in str(caught.value)


def test_a_short_request_does_not_become_a_large_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(padding, "MAX_PADDED_VALUES", 100)
    rows = [[[1, 2]] * 20] + [[[1, 2]]] * 5

    with pytest.raises(RequestInvalid, match="6 sequences padded to 20 steps would be 240 values"):
        decode({"instances": rows}, declared())
    with pytest.raises(RequestInvalid, match="would be 200 values"):
        decode({"instances": [[[1, 2]]]}, declared(max_length=100))
