"""Classify and regress: examples of flat features in, results back."""

from typing import Any

import numpy as np
import pytest

from service.base.errors import RequestInvalid
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.exchange import Facts
from tests.web.v1.calls import decode, encode, facts

X = TensorSpec("x", "float32", (None, 1))
SOFTMAX = TensorSpec("y", "float32", (None, 2), activation="softmax")
SIGMOID = TensorSpec("y", "float32", (None, 1), activation="sigmoid")
NUMBER = TensorSpec("y", "float32", (None, 1))
LABELLED = ModelConfig(labels=("cat", "dog"))
MANY = (
    TensorSpec("grid", "float32", (None, 2, 2)),
    TensorSpec("words", "string", (None, 2)),
    TensorSpec("steps", "int64", (None, None, 2)),
    TensorSpec("on", "bool", (None,)),
)


def test_classify_gives_label_and_score_in_the_order_of_classes() -> None:
    of = facts(Signature((X,), (SOFTMAX,)), LABELLED, extra_keys=True)
    asked = decode({"signature_name": "", "examples": [{"x": 2.0}, {"x": [1]}]}, of, "classify")
    assert asked.inputs["x"].tolist() == [[2.0], [1.0]]
    scores = {"y": np.array([[0.9, 0.1], [0.3, 0.7]], np.float32)}
    content = encode(asked, of, scores, "classify")
    expected = b'{"results":[[["cat",0.9],["dog",0.1]],[["cat",0.3],["dog",0.7]]]}'
    assert content == expected


def test_a_single_probability_is_two_classes_without_labels_empty_ones() -> None:
    of = facts(Signature((X,), (SIGMOID,)))
    asked = decode({"examples": [{"x": 2.0}]}, of, "classify")
    content = encode(asked, of, {"y": np.array([[0.25]], np.float32)}, "classify")
    assert content == b'{"results":[[["",0.75],["",0.25]]]}'


def test_scores_that_are_not_finite_are_bare_words_where_allowed() -> None:
    of = facts(Signature((X,), (SOFTMAX,)), ModelConfig(allow_non_finite=True))
    asked = decode(b'{"examples": [{"x": NaN}]}', of, "classify")
    content = encode(asked, of, {"y": np.array([[np.nan, 0.1]], np.float32)}, "classify")
    assert content == b'{"results":[[["",NaN],["",0.1]]]}'


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("item", [(), (1,)])
def test_regress_gives_one_decimal_number_each(dtype: str, item: tuple[int, ...]) -> None:
    of = facts(Signature((X,), (TensorSpec("y", dtype, (None, *item)),)))
    asked = decode({"examples": [{"x": 2.0}]}, of, "regress")
    outputs = {"y": np.array([3], dtype).reshape(1, *item)}
    assert encode(asked, of, outputs, "regress") == b'{"results":[3.0]}'


def test_features_fill_the_shapes_of_their_inputs() -> None:
    of = facts(Signature(MANY, (NUMBER,)))
    example = {"grid": [1, 2, 3, 4], "words": ["a", {"b64": "Yg=="}], "steps": [1, 2, 3, 4, 5, 6]}
    other = {"grid": [0.5, 0.5, 0.5, 0.5], "words": ["c", "d"], "steps": [0] * 6, "on": False}
    asked = decode({"context": {"on": True}, "examples": [example, other]}, of, "regress")
    assert asked.rows == 2
    assert asked.inputs["grid"].tolist() == [[[1, 2], [3, 4]], [[0.5, 0.5], [0.5, 0.5]]]
    assert asked.inputs["words"].tolist() == [["a", "b"], ["c", "d"]]
    assert asked.inputs["steps"].shape == (2, 3, 2)
    assert asked.inputs["on"].tolist() == [True, False]


def test_booleans_are_numbers_for_inputs_of_numbers() -> None:
    of = facts(Signature((TensorSpec("x", "float32", (None, 2)),), (NUMBER,)))
    assert decode({"examples": [{"x": [True, 0]}]}, of, "regress").inputs["x"].tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "The key 'examples' is expected and was not found"),
        ({"examples": {}}, "examples: expected a list, got an object"),
        ({"examples": []}, "examples: expected at least one example"),
        ({"examples": [3]}, "examples[0]: expected an object of features, got a number"),
        ({"examples": [{"x": 1}], "context": []}, "context: expected an object of features"),
        ({"examples": [{"x": 1}, {}]}, "examples[1]: expected the features x, got none"),
        ({"examples": [{"x": 1, "z": 2}]}, "examples[0]: expected the features x, got x, z"),
        ({"examples": [{"x": 1}], "context": {"z": 1}}, "expected the features x, got x, z"),
        ({"examples": [{"x": None}]}, "examples[0].x: expected a value or a flat list"),
        ({"examples": [{"x": [[1]]}]}, "examples[0].x: expected a value or a flat list"),
        ({"examples": [{"x": {"a": 1}}]}, "examples[0].x: expected a value or a flat list"),
        ({"examples": [{"x": []}]}, "examples[0].x: expected at least one element"),
        ({"examples": [{"x": [1, 1.5]}]}, "values of one kind, got decimal numbers and whole"),
        ({"examples": [{"x": [1, 2]}]}, "examples[0].x: expected 1 elements, got 2"),
        ({"examples": [{"x": 1}, {"x": "a"}]}, "examples[1].x: expected a number, got the string"),
        ({"examples": [{"x": "a"}]}, 'JSON Value: "a" Type: String is not of expected type: float'),
        ({"examples": [{"x": 1}] * 101}, "examples: expected at most 100 instances, got 101"),
        ({"examples": [{"x": 1}], "signature_name": "s"}, 'Serving signature name: "s" not found'),
    ],
)  # fmt: skip
def test_examples_are_refused_with_their_place(body: Any, text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(body, facts(Signature((X,), (NUMBER,))), "regress")
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("of", "verb", "words"),
    [
        (facts(Signature((X,), (NUMBER,))), "classify", "doesn't classify"),
        (facts(Signature((X,), (SOFTMAX,))), "regress", "by :predict or :classify"),
        (facts(Signature((X,), (TensorSpec("y", "string", (None,)),))), "regress", "by :predict$"),
        (
            facts(Signature((TensorSpec("x", "float32", (None, None, None)),), (NUMBER,))),
            "regress",
            r"shape \(\?, \?\) for each instance, which a flat list doesn't tell",
        ),
        (
            facts(Signature((TensorSpec("x", "float32", (None, None, 2)),), (NUMBER,))),
            "regress",
            r"examples\[0\]\.x: expected a multiple of 2 elements, got 1",
        ),
    ],
)
def test_a_model_that_cannot_says_what_it_can(of: Facts, verb: str, words: str) -> None:
    with pytest.raises(RequestInvalid, match=words):
        decode({"examples": [{"x": 1.5}]}, of, verb)
