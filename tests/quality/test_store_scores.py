"""How sure a version was and how right it was then, by bins, through all that happens to rows."""

import numpy as np
import pytest
import sqlalchemy as sa

from service.quality.estimate import Confidence
from service.quality.feedback import Labelled
from service.quality.score_bins import BINS, EDGES, bin_of_step
from service.quality.store import QualityStore
from service.quality.windows import DAY, HOUR, Span
from tests.quality.rows import NOON, id_of, labelled, number

HOUR_OF_NOON = NOON // HOUR
SURE, UNSURE = EDGES.index(0.95) - 1, EDGES.index(0.6) - 1


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


def send(store: QualityStore, *rows: Labelled) -> None:
    store.record_feedback("m", rows, NOON)


def confidence(store: QualityStore, span: Span | None = None) -> Confidence:
    (found,) = store.confidences((span or Span(),))
    return found["m", 1]


def bins(**counts: int) -> list[int]:
    places = {"sure": SURE, "unsure": UNSURE}
    found = [0] * BINS
    for name, count in counts.items():
        found[places[name]] = count
    return found


@pytest.mark.parametrize(
    ("score", "upper"), [(0.0, 0.1), (0.1, 0.1), (0.1001, 0.2), (0.95, 0.95), (0.96, 0.98), (1, 1)]
)
def test_a_bin_has_its_upper_edge(score: float, upper: float) -> None:
    assert bin_of_step(int(score * 65534)) == EDGES.index(upper) - 1


def test_labelled_rows_are_counted_by_how_sure_and_how_right(store: QualityStore) -> None:
    send(
        store,
        labelled("a", 1, 1, score=0.94),
        labelled("b", 2, 1, score=0.94),
        labelled("c", 1, 1, score=0.55),
    )
    found = confidence(store).everything
    assert found.rows.tolist() == bins(sure=2, unsure=1)
    assert found.right.tolist() == bins(sure=1, unsure=1)
    assert found.score_sum[[SURE, UNSURE]] == pytest.approx([1.88, 0.55], abs=1e-4)


def test_a_correction_moves_what_was_right(store: QualityStore) -> None:
    send(store, labelled("a", 1, 1, score=0.94))
    send(store, labelled("a", 2, 1, score=0.94))
    send(store, labelled("a", 2, 1, score=0.94))
    found = confidence(store).everything
    assert (found.rows.sum(), found.right.sum()) == (1, 0)


def test_forgotten_rows_are_taken_out(store: QualityStore) -> None:
    send(store, labelled("a", 1, 1, score=0.94), labelled("b", 1, 1, score=0.94))
    store.forget("m", [id_of("a")], NOON)
    found = confidence(store).everything
    assert found.rows.tolist() == found.right.tolist() == bins(sure=1)


def test_predicted_rows_are_those_of_the_span_and_labelled_ones_come_before(
    store: QualityStore,
) -> None:
    answered = ("m", 1, HOUR_OF_NOON)
    store.count_predictions({answered: 9}, {(answered, SURE): 7, (answered, UNSURE): 2})
    store.count_predictions({answered: 1}, {(answered, SURE): 1})
    old = ("m", 1, HOUR_OF_NOON - 50)
    store.count_predictions({old: 3}, {(old, SURE): 3})
    send(store, labelled("a", 1, 1, score=0.94))
    send(store, labelled("b", 2, 1, score=0.94, at=NOON - 50 * HOUR))

    day = confidence(store, Span(NOON - DAY))
    before = confidence(store, Span(None, NOON - DAY))

    assert day.predicted.tolist() == bins(sure=8, unsure=2)
    assert (day.before.rows.sum(), day.before.right.sum()) == (1, 0)
    assert (day.everything.rows.sum(), day.everything.right.sum()) == (2, 1)
    assert before.predicted.tolist() == bins(sure=3)
    assert before.before.total == 0
    assert confidence(store).predicted.tolist() == bins(sure=11, unsure=2)
    both = store.confidences((Span(None, NOON - DAY), Span(), Span(NOON - DAY)))
    assert [one["m", 1].predicted.sum() for one in both] == [3, 13, 10]


def test_pruned_rows_go_on_teaching(store: QualityStore) -> None:
    old = ("m", 1, HOUR_OF_NOON - 50)
    store.count_predictions({old: 3}, {(old, SURE): 3})
    send(store, labelled("b", 1, 1, score=0.94, at=NOON - 50 * HOUR))
    before = [one.tolist() for one in parts(confidence(store, Span(NOON - DAY)))]
    store.prune("m", NOON - DAY)
    assert [one.tolist() for one in parts(confidence(store, Span(NOON - DAY)))] == before
    assert confidence(store).predicted.tolist() == bins(sure=3)


def parts(found: Confidence) -> tuple[np.ndarray, ...]:
    return found.predicted, found.before.rows, found.before.right, found.before.score_sum


def test_numbers_and_logits_have_no_confidence(store: QualityStore) -> None:
    send(store, number("a", 1.0, 2.0), labelled("b", 1, 1, version=2, score=7.5))
    assert store.confidences() == [{}]
