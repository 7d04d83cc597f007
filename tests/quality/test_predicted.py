"""Rows are packed into few bytes and read back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from service.quality.predicted import (
    DOUBLES,
    FLOATS,
    FULL_SCORE,
    Kind,
    Prediction,
    Shape,
    pack_classes,
    pack_sets,
    pack_values,
    read_sets,
)

rows_of_classes = st.integers(1, 65536).flatmap(
    lambda width: st.tuples(
        st.just(width),
        st.lists(
            st.tuples(st.integers(0, width - 1), st.floats(0, 1, width=32)),
            min_size=1,
            max_size=20,
        ),
    )
)


def made(shape: Shape, content: bytes) -> Prediction:
    return Prediction(b"i" * 16, 1, 0, shape, len(content) // shape.row_bytes, content)


@given(rows_of_classes)
def test_classes_come_back_with_their_scores(case: tuple[int, list[tuple[int, float]]]) -> None:
    width, rows = case
    index = np.array([index for index, _ in rows])
    score = np.array([score for _, score in rows], np.float32)

    packed = made(Shape(Kind.CLASSES, width), pack_classes(width, index, score))

    assert packed.rows == len(rows)
    for place, (wanted, probability) in enumerate(rows):
        found, steps = packed.row(place)
        assert found == wanted
        assert steps is not None
        assert abs(steps / FULL_SCORE - probability) <= 0.5 / FULL_SCORE + 1e-9
        alone = pack_classes(width, index[place : place + 1], score[place : place + 1])
        assert made(packed.shape, alone).row(0) == (found, steps)


@pytest.mark.parametrize("score", [1.0011, -0.001, 17.0, float("nan"), float("inf"), -float("inf")])
def test_what_is_no_probability_is_no_score(score: float) -> None:
    one, two = np.array([score], np.float32), np.array([score, 0.5], np.float32)

    assert made(Shape(Kind.CLASSES, 3), pack_classes(3, np.array([2]), one)).row(0) == (2, None)
    both = made(Shape(Kind.CLASSES, 3), pack_classes(3, np.array([2, 1]), two))
    assert [both.row(0), both.row(1)] == [(2, None), (1, FULL_SCORE // 2)]


@pytest.mark.parametrize("score", [1.0, 1.0005])
def test_a_rounded_one_is_a_one(score: float) -> None:
    packed = made(Shape(Kind.CLASSES, 2), pack_classes(2, np.array([1]), np.array([score])))
    assert packed.row(0) == (1, FULL_SCORE)


def test_numbers_come_back_as_singles() -> None:
    packed = made(Shape(Kind.VALUES, 2), pack_values(np.array([[1.5, -2.0], [1e39, 0.1]])))
    assert packed.row(0) == (np.array([1.5, -2.0], FLOATS).tobytes(), None)
    assert packed.row(1) == (np.array([np.inf, 0.1], FLOATS).tobytes(), None)
    assert DOUBLES.itemsize == 2 * FLOATS.itemsize


@given(npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_sets_come_back(chosen: np.ndarray) -> None:
    width = chosen.shape[1]
    packed = made(Shape(Kind.SETS, width), pack_sets(chosen))
    found = [read_sets(width, bytes(packed.row(row)[0]))[0] for row in range(packed.rows)]
    assert np.array_equal(np.array(found), chosen)


def test_rows_that_are_not_there_must_be_looked_up() -> None:
    recorded = Prediction(b"i" * 16, 1, 0, Shape(Kind.CLASSES, 2), 5, None)
    with pytest.raises(LookupError):
        recorded.row(0)


@pytest.mark.parametrize(
    ("kind", "width"),
    [(Kind.NOTHING, 1), (Kind.CLASSES, 0), (Kind.CLASSES, 65537), (Kind.SETS, -1)],
)
def test_a_shape_has_a_width_that_can_be(kind: Kind, width: int) -> None:
    with pytest.raises(ValueError, match="width"):
        Shape(kind, width)
