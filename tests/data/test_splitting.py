"""Rows are put into parts by their values, their class or their time: always the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.sequences import Sequences, pad
from service.data.row_keys import row_keys
from service.data.splitting import assign
from service.recipe.data import Split
from tests.data.made import expected, signature

ROWS = np.random.default_rng(0).random((4000, 4)).astype(np.float32)
KEYS = row_keys({"input": ROWS}, expected(), 0)
KNOWN = 4_233_765_214_756_666_546
TRAIN, VALIDATION, HELD_OUT = range(3)


def parts(keys: np.ndarray = KEYS, **told: object) -> np.ndarray:
    return assign(keys, Split(**told), None, None)


def test_a_key_is_of_the_values_alone() -> None:
    order = np.random.default_rng(1).permutation(len(ROWS))

    assert np.array_equal(row_keys({"input": ROWS[order]}, expected(), 0), KEYS[order])
    assert not np.isin(row_keys({"input": ROWS}, expected(), 1), KEYS).any()
    assert len(np.unique(KEYS)) == len(KEYS)


def test_the_key_of_some_values_never_changes() -> None:
    """Else rows that were held out by an earlier release would be learned from."""
    rows = np.array([[0, 1, 2, 3], [-0.0, 1, 2, 3]], np.float32)

    assert row_keys({"input": rows}, expected(), 0).tolist() == [KNOWN, KNOWN]


def test_how_far_a_sequence_was_padded_does_not_matter() -> None:
    rows = [np.arange(1, n + 1, dtype=np.float32).reshape(n, 1) for n in (1, 3, 2)]
    for side in ("pre", "post"):
        told = Sequences(padding=side)
        wanted = expected(signature=signature((None, 1)), sequences=told)
        short, long = (pad(rows, told, n, np.dtype("float32")) for n in (3, 7))
        keys = row_keys({"input": short}, wanted, 0)
        assert np.array_equal(keys, row_keys({"input": long}, wanted, 0))
        assert len(set(keys.tolist())) == 3


def test_shares_are_about_what_was_asked_for() -> None:
    counts = np.bincount(parts(validation=0.2, held_out=0.1)) / len(KEYS)

    assert np.allclose(counts, [0.7, 0.2, 0.1], atol=0.02)
    assert not parts(validation=0, held_out=0).any()


def test_a_row_stays_where_it_is_when_others_come() -> None:
    before = parts(KEYS[:1000])

    assert np.array_equal(parts(KEYS)[:1000], before)
    assert np.array_equal(parts(KEYS[:1000][::-1])[::-1], before)
    assert not np.array_equal(parts(row_keys({"input": ROWS}, expected(), 5))[:1000], before)


def test_one_share_does_not_move_the_other() -> None:
    small, large = parts(validation=0.1), parts(validation=0.3)

    assert np.array_equal(small == HELD_OUT, large == HELD_OUT)
    assert set(np.flatnonzero(small == VALIDATION)) < set(np.flatnonzero(large == VALIDATION))


@settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    validation=st.floats(0, 0.45),
    held_out=st.floats(0, 0.45),
)
def test_each_class_has_its_share_in_each_part(
    sizes: list[int], validation: float, held_out: float
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    split = Split(by="stratified", validation=validation, held_out=held_out)

    found = assign(KEYS[: len(labels)], split, labels, None)

    for label, size in enumerate(sizes):
        counts = np.bincount(found[labels == label], minlength=3)
        for part, share in ((VALIDATION, validation), (HELD_OUT, held_out)):
            assert abs(counts[part] - share * size) <= 1
            if share and size >= 3:
                assert counts[part] >= 1


def test_stratified_rows_do_not_depend_on_their_order() -> None:
    labels = np.arange(1000) % 3
    order = np.random.default_rng(2).permutation(1000)
    split = Split(by="stratified")

    found = assign(KEYS[:1000], split, labels, None)

    assert np.array_equal(assign(KEYS[:1000][order], split, labels[order], None), found[order])


def test_the_newest_rows_are_held_out() -> None:
    times = np.random.default_rng(3).permutation(100).astype(float)

    found = assign(KEYS[:100], Split(by="time", validation=0.2, held_out=0.1), None, times)

    assert set(times[found == HELD_OUT]) == set(range(90, 100))
    assert set(times[found == VALIDATION]) == set(range(70, 90))


@pytest.mark.parametrize("by", ["stratified", "time"])
def test_what_a_split_goes_by_must_be_there(by: str) -> None:
    with pytest.raises(ValueError, match=f"a split by {by}"):
        parts(by=by)
