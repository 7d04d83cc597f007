"""What rows change is decided without a database: outcomes, and what is added where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quality.ledger import Ledger, gather
from service.quality.outcomes import Outcome
from service.quality.sums import NO_CLASS, cells_of
from service.quality.windows import hour_of
from tests.quality.rows import DIGITS, NOON, NUMBER, labelled, labels, number

HOUR = hour_of(NOON)


def test_rows_are_gathered_by_what_they_are_about() -> None:
    said = gather([labelled("a", 1, 5), labelled("b", 2, 5), labelled("a", 3, 5),
                   labelled("a", 1, 5, version=2)])  # fmt: skip
    assert [(one.truths, one.places) for one in said.values()] == [
        ([1, 3], [0, 2]), ([2], [1]), ([1], [3]),
    ]  # fmt: skip


@given(st.none() | st.integers(0, 2), st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_labels_of_a_row_are_followed_in_their_order(before: int | None, truths: list[int]) -> None:
    (said,) = gather([labelled("a", truth, 5) for truth in truths]).values()
    ledger = Ledger(NOON)
    ledger.enter(7, said, before)

    kept = before
    for outcome, truth in zip(ledger.in_order(len(truths)), truths, strict=True):
        wanted = Outcome.DUPLICATE if truth == kept else Outcome.CORRECTED
        assert outcome is (Outcome.ACCEPTED if kept is None else wanted)
        kept = truth
    changed = {cell: rows for (_, _, cell), rows in ledger.cells.items() if rows}
    wanted_cells = {} if before == kept else {(kept, 5): 1}
    if before not in (None, kept):
        wanted_cells[before, 5] = -1
    assert changed == wanted_cells
    assert dict(ledger.firsts) == ({(7, (truths[0], 5)): 1} if before is None else {})
    assert dict(ledger.labelled) == ({(7, HOUR): 1} if before is None else {})


def test_a_number_that_is_corrected_makes_its_hour_stale() -> None:
    old, new = number("a", 1.0, 2.0), number("a", 3.0, 2.0)
    (said,) = gather([new]).values()
    ledger = Ledger(NOON)
    ledger.enter(7, said, old.truth)
    assert ledger.stale == {(7, HOUR): NUMBER}
    assert ledger.pairs == {}


def test_a_removed_row_is_taken_out() -> None:
    (said,) = gather([labelled("a", 1, 5)]).values()
    ledger = Ledger(NOON)
    ledger.remove(7, said)
    assert dict(ledger.cells) == {(7, HOUR, (1, 5)): -1}
    assert dict(ledger.labelled) == {(7, HOUR): -1}
    assert not ledger.firsts


@pytest.mark.parametrize(
    ("truth", "predicted", "cells"),
    [
        ((1, 0, 0), (1, 0, 0), [(0, 0)]),
        ((0, 0, 0), (0, 0, 0), []),
        ((1, 1, 0), (0, 1, 1), [(0, NO_CLASS), (1, 1), (NO_CLASS, 2)]),
    ],
)
def test_a_set_counts_once_a_label(
    truth: tuple[int, ...], predicted: tuple[int, ...], cells: list[tuple[int, int]]
) -> None:
    row = labels("a", truth, predicted)
    assert cells_of(row.prediction.shape, row.truth, row.predicted) == cells


def test_a_class_counts_in_its_cell_and_a_number_in_none() -> None:
    row = number("a", 1.0, 2.0)
    assert cells_of(DIGITS, 3, 5) == [(3, 5)]
    assert cells_of(NUMBER, row.truth, row.predicted) == []
