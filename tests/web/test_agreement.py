"""When two versions agree: decisions by class, numbers by their relative difference."""

from typing import Any

import numpy as np
import pytest

from service.base.signature import Signature, TensorSpec
from service.web.agreement import Agreement, Given, compare, fits

NAN, INFINITY = float("nan"), float("inf")
SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, 3)), TensorSpec("ids", "int64", (None, None))),
    (TensorSpec("y", "float32", (None, 1)),),
)


def given(*rows: Any, dtype: str = "float32", classes: list[int] | None = None) -> Given:
    return Given({"y": np.array(rows, dtype)}, None if classes is None else np.array(classes))


class TestDecisions:
    def test_a_row_agrees_if_its_class_is_the_same_whatever_the_scores(self) -> None:
        ours = given([0.9, 0.1], [0.6, 0.4], [0.2, 0.8], classes=[0, 0, 1])
        theirs = given([0.7, 0.3], [0.45, 0.55], [0.2, 0.8], classes=[0, 1, 1])
        found = compare(ours, theirs)
        assert found is not None
        assert (found.rows, found.agreeing) == (3, 2)
        assert found.largest == pytest.approx(0.2)

    def test_a_row_agrees_if_its_labels_are_the_same(self) -> None:
        ours = Given(given([1, 1], [1, 1]).outputs, np.array([[True, False], [True, True]]))
        theirs = Given(given([1, 2], [1, 1]).outputs, np.array([[True, False], [False, True]]))
        found = compare(ours, theirs)
        assert found is not None
        assert (found.rows, found.agreeing) == (2, 1)
        assert compare(ours, Given(theirs.outputs, np.array([0, 1]))) is None

    def test_one_that_decides_and_one_that_does_not_cannot_be_compared(self) -> None:
        assert compare(given([0.9], classes=[1]), given([0.9])) is None
        assert compare(given([0.9]), given([0.9], classes=[1])) is None


class TestNumbers:
    @pytest.mark.parametrize(
        ("a", "b", "agrees"),
        [
            (1000.0, 1000.9, True),
            (1000.0, 1001.1, False),
            (-2.0, -2.001, True),
            (1.0, -1.0, False),
            (0.0, 5e-7, True),
            (0.0, 5e-5, False),
            (NAN, NAN, True),
            (NAN, 1.0, False),
            (INFINITY, INFINITY, True),
            (INFINITY, -INFINITY, False),
            (INFINITY, 1e30, False),
        ],
    )
    def test_floats_within_a_thousandth(self, a: float, b: float, agrees: bool) -> None:
        for ours, theirs in ((a, b), (b, a)):
            found = compare(given([ours]), given([theirs]))
            assert found is not None
            assert found.agreeing == agrees

    def test_halves_do_not_overflow(self) -> None:
        found = compare(given([60000], dtype="float16"), given([-60000], dtype="float16"))
        assert found == Agreement(1, 0, 120_000.0)

    def test_whole_numbers_and_texts_exactly(self) -> None:
        found = compare(given([7], [8], dtype="int64"), given([7], [9], dtype="int64"))
        assert found == Agreement(2, 1, None)
        found = compare(given(["a"], ["b"], dtype="object"), given(["a"], ["c"], dtype="U1"))
        assert found == Agreement(2, 1, None)

    def test_a_row_agrees_if_all_of_it_does_in_every_output(self) -> None:
        ours = Given({"a": np.zeros((3, 2, 2)), "b": np.zeros(3)})
        theirs = Given({"a": np.zeros((3, 2, 2)), "b": np.array([0, 0.25, 0])})
        theirs.outputs["a"][2, 1, 1] = -0.5
        assert compare(ours, theirs) == Agreement(3, 1, 0.5)

    def test_the_largest_difference_is_of_finite_numbers(self) -> None:
        assert compare(given([NAN, 1.0]), given([2.0, 1.5])) == Agreement(1, 0, 0.5)
        assert compare(given([NAN]), given([2.0])) == Agreement(1, 0, None)

    def test_nothing_at_all_agrees(self) -> None:
        empty = Given({"y": np.zeros((0, 3))})
        assert compare(empty, empty) == Agreement(0, 0, None)


@pytest.mark.parametrize(
    "other",
    [
        Given({"z": np.zeros((1, 2), "float32")}),
        Given({"y": np.zeros((1, 2), "float32"), "z": np.zeros((1, 2), "float32")}),
        Given({"y": np.zeros((1, 3), "float32")}),
        Given({"y": np.zeros((1, 2), "int32")}),
        Given({"y": np.array([["a", "b"]], object)}),
    ],
    ids=["name", "more", "shape", "integers", "texts"],
)
def test_other_outputs_cannot_be_compared(other: Given) -> None:
    ours = given([0.0, 0.0])
    assert compare(ours, other) is None
    assert compare(other, ours) is None


@pytest.mark.parametrize(
    ("changes", "does_fit"),
    [
        ({}, True),
        ({"x": np.zeros((2, 4), "float32")}, False),
        ({"x": np.zeros((2, 3), "float64")}, False),
        ({"x": np.zeros((2, 3, 1), "float32")}, False),
        ({"ids": np.zeros((2, 1000), "int64")}, True),
        ({"more": np.zeros((2, 1), "float32")}, False),
    ],
    ids=["same", "size", "dtype", "rank", "free", "name"],
)
def test_inputs_fit_another_version_or_not(changes: dict[str, np.ndarray], does_fit: bool) -> None:
    inputs = {"x": np.zeros((2, 3), "float32"), "ids": np.zeros((2, 5), "int64")}
    assert fits(inputs | changes, SIGNATURE) is does_fit
