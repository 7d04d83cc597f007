"""What people call the truth of a row is understood in one way, or refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quality.outcomes import Outcome
from service.quality.predicted import DOUBLES, Kind, Shape, pack_sets
from service.quality.truth import Truths

TWO, THREE = Shape(Kind.CLASSES, 2), Shape(Kind.CLASSES, 3)
NAMES = ("benign", "malignant", "unclear")
UNKNOWN = Outcome.UNKNOWN_CLASS


class TestClasses:
    @pytest.mark.parametrize(
        ("label", "found"),
        [
            ("benign", 0), ("malignant", 1), ("Benign", UNKNOWN), (" benign", UNKNOWN),
            (0, 0), (2, 2), (3, UNKNOWN), (-1, UNKNOWN), (10**30, UNKNOWN),
            ("0", 0), ("2", 2), ("3", UNKNOWN), ("02", UNKNOWN), ("+1", UNKNOWN), ("٢", UNKNOWN),
            (1.0, 1), ("1.0", 1), (1.5, UNKNOWN), ("1.00", UNKNOWN), (float("inf"), UNKNOWN),
            (True, UNKNOWN), (None, UNKNOWN), ([0], UNKNOWN), ({"a": 1}, UNKNOWN), ("", UNKNOWN),
        ],
    )  # fmt: skip
    def test_a_label_or_an_index(self, label: Any, found: object) -> None:
        assert Truths(THREE, NAMES).read(label) == found

    @pytest.mark.parametrize(
        ("labels", "label", "found"),
        [
            (("1", "2", "3"), "1", 0), (("1", "2", "3"), 1, 0), (("1", "2", "3"), 1.0, 0),
            (("1", "2", "3"), 0, 0), (("1", "2", "3"), "0", 0),
            (("-1", "0", "1"), -1, 0), (("-1", "0", "1"), 0, 1), (("-1", "0", "1"), 2, 2),
            (("1.0", "2.0", "3.0"), 1.0, 0), (("0.5", "1.5", "2.5"), 0.5, 0),
            (("0", "1", "2"), "1", 1),
        ],
    )  # fmt: skip
    def test_a_label_comes_before_an_index(
        self, labels: tuple[str, ...], label: Any, found: int
    ) -> None:
        assert Truths(THREE, labels).read(label) == found

    @pytest.mark.parametrize(
        ("labels", "label", "found"),
        [
            ((), True, 1), ((), False, 0), (("no", "yes"), True, 1),
            (("true", "false"), True, 0), (("True", "False"), False, 1),
        ],
    )  # fmt: skip
    def test_yes_and_no_are_two_classes(
        self, labels: tuple[str, ...], label: bool, found: int
    ) -> None:
        assert Truths(TWO, labels).read(label) == found

    def test_a_model_without_labels_knows_indices(self) -> None:
        assert Truths(THREE).read("benign") is UNKNOWN
        assert Truths(THREE).read("2") == 2

    def test_a_label_that_the_version_has_no_class_for_is_none(self) -> None:
        assert Truths(TWO, NAMES).read("unclear") is UNKNOWN

    @given(st.integers() | st.floats() | st.text() | st.booleans() | st.none())
    def test_nothing_else_is_a_class(self, label: Any) -> None:
        found = Truths(THREE, NAMES).read(label)
        assert found is UNKNOWN or found in (0, 1, 2)


class TestNumbers:
    @pytest.mark.parametrize(
        ("label", "found"),
        [(1, 1.0), (-2.5, -2.5), ("1e3", 1000.0), (" 1", None), ("1_0", None), ("nan", None),
         (float("nan"), None), (float("inf"), None), ("1e999", None), (10**400, None),
         ("1" * 5000, None), ("٢", None), (True, None), (None, None), ("", None), ([1.0], 1.0),
         ([1.0, 2.0], None), ("0x10", None), (".5", 0.5), ("5.", 5.0)],
    )  # fmt: skip
    def test_a_finite_number(self, label: Any, found: float | None) -> None:
        wanted = Outcome.NOT_A_NUMBER if found is None else np.array([found], DOUBLES).tobytes()
        assert Truths(Shape(Kind.VALUES, 1)).read(label) == wanted

    def test_as_many_as_the_model_gives(self) -> None:
        truths = Truths(Shape(Kind.VALUES, 2))
        assert truths.read([1, "2"]) == np.array([1, 2], DOUBLES).tobytes()
        assert truths.read([1]) is truths.read(1) is truths.read([1, None]) is Outcome.NOT_A_NUMBER


class TestSets:
    def found(self, label: Any, width: int = 3, labels: tuple[str, ...] = NAMES) -> object:
        read = Truths(Shape(Kind.SETS, width), labels[:width]).read(label)
        if isinstance(read, bytes):
            return [n for n in range(width) if read[0] & 128 >> n]
        return read

    @pytest.mark.parametrize(
        ("label", "found"),
        [
            ([], []), (["malignant"], [1]), ([0, "unclear"], [0, 2]), ([2.0], [2]),
            ([True, False, True], [0, 2]), ([False, False, False], []),
            (["other"], UNKNOWN), ([3], UNKNOWN), ("benign", UNKNOWN), (0, UNKNOWN),
            ([0, "benign"], UNKNOWN), ([True], UNKNOWN), ([True, 1], UNKNOWN), ([[0]], UNKNOWN),
            ([None], UNKNOWN),
        ],
    )  # fmt: skip
    def test_a_list_of_labels(self, label: Any, found: object) -> None:
        assert self.found(label) == found

    @pytest.mark.parametrize("label", [[0, 1, 1], [0, 0, 0], [1, 0, 0], ["0", "1", "0"]])
    def test_zeros_and_ones_for_all_labels_are_refused(self, label: list[Any]) -> None:
        """They may stand for yes and no, or be indices."""
        assert self.found(label) is UNKNOWN

    def test_so_they_are_where_both_would_be_possible(self) -> None:
        assert self.found([0, 1], width=2) is UNKNOWN
        assert self.found([1, 0], width=2) is UNKNOWN
        assert self.found([0], width=1) is UNKNOWN
        assert self.found([1], width=2) == [1]
        assert self.found(["0", "1"], 2, ("0", "1")) == [0, 1]

    def test_the_bytes_are_those_of_predictions(self) -> None:
        read = Truths(Shape(Kind.SETS, 9)).read([8])
        assert read == pack_sets(np.array([[0] * 8 + [1]]))


def test_what_has_no_shape_has_no_label() -> None:
    assert Truths(Shape(Kind.NOTHING, 0)).read("benign") is Outcome.NOT_SCORED
