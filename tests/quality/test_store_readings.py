"""What the store tells of a span is what its rows say, to the millisecond, after corrections."""

import random
from collections import Counter

import numpy as np
import pytest
import sqlalchemy as sa

from service.quality.feedback import Labelled
from service.quality.multilabel import count_labels
from service.quality.reading import Reading
from service.quality.regression import add_up
from service.quality.store import QualityStore
from service.quality.windows import HOUR, Span, hour_of
from tests.quality.rows import BINARY, NOON, labelled, labels, number

MINUTE = HOUR // 60


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


def send(store: QualityStore, *rows: Labelled) -> None:
    assert all(one.is_kept for one in store.record_feedback("m", rows, NOON))


def reading(store: QualityStore, span: Span) -> Reading:
    found = store.reading("m", 1, span)
    assert found is not None
    return found


class TestSpans:
    def test_predictions_count_when_they_were_made(self, store: QualityStore) -> None:
        for minutes in (-90, -61, -60, -59, -1, 0, 1, 59, 60, 61):
            send(store, labelled(str(minutes), 1, 1, at=NOON + minutes * MINUTE))

        def rows(since: int | None, until: int | None) -> int:
            ends = [None if one is None else NOON + one * MINUTE for one in (since, until)]
            return int(store.matrix("m", 1, Span(*ends)).sum())

        assert rows(None, None) == 10
        assert rows(-60, None) == 8
        assert rows(-59, 60) == 5
        assert rows(None, -60) == 2
        assert rows(1, 59) == 1
        assert rows(-61, 1) == 5
        assert rows(5, 1) == rows(70, None) == 0

    def test_any_span_of_random_rows_and_corrections(self, store: QualityStore) -> None:
        draw = random.Random(5)
        moments = [NOON + draw.randrange(-4 * HOUR, 4 * HOUR) for _ in range(400)]
        truth: dict[str, tuple[int, int]] = {}
        for part in range(4):
            rows = []
            for name in draw.choices(range(400), k=250):
                new = draw.randrange(3)
                truth[str(name)] = (new, moments[name])
                rows.append(labelled(str(name), new, name % 3, at=moments[name]))
            send(store, *rows)
            since, until = sorted(NOON + draw.randrange(-4 * HOUR, 4 * HOUR) for _ in range(2))
            for span in (Span(since, until), Span(since), Span(None, until), Span()):
                wanted = Counter(
                    (true, int(name) % 3)
                    for name, (true, at) in truth.items()
                    if at >= (span.since or 0) and at < (span.until or 2 * NOON)
                )
                assert dict(reading(store, span).cells) == wanted, (part, span)

    def test_a_class_that_is_not_the_models_widens_the_matrix(self, store: QualityStore) -> None:
        send(store, labelled("a", 9, 9), labelled("b", 1, 1, shape=BINARY))
        assert reading(store, Span()).classes == 10  # its files were others once


class TestNumbers:
    def test_errors_add_up_over_hours_and_parts(self, store: QualityStore) -> None:
        draw = random.Random(2)
        rows = [
            (draw.uniform(-5, 5), draw.uniform(-5, 5), NOON + n * 7 * MINUTE) for n in range(60)
        ]
        send(store, *(number(str(n), *row) for n, row in enumerate(rows)))

        for span in (Span(), Span(NOON + 20 * MINUTE), Span(NOON + HOUR, NOON + 3 * HOUR + 1)):
            chosen = [(true, predicted) for true, predicted, at in rows
                      if at >= (span.since or 0) and at < (span.until or 2 * NOON)]  # fmt: skip
            true, predicted = np.array(chosen).T
            found = reading(store, span).numbers()
            wanted = add_up(true, predicted.astype(np.float32).astype(np.float64))
            assert found.rows == wanted.rows
            for name in ("error", "absolute", "squared", "true", "true_squared", "percent"):
                assert getattr(found, name) == pytest.approx(getattr(wanted, name))

    def test_a_wild_label_that_is_corrected_leaves_no_trace(self, store: QualityStore) -> None:
        """A sum from which 1e30 is taken away again has forgotten everything small."""
        send(store, number("a", 1.0, 1.5), number("b", 1e30, 2.0), number("c", 4.0, 4.0))
        send(store, number("b", 2.5, 2.0), number("d", 0.0, 1.0))

        found = reading(store, Span()).numbers()
        assert (found.rows, found.absolute, found.squared, found.error) == (4, 2.0, 1.5, 1.0)
        first = store.counters().versions[0].first.numbers()
        assert first.rows == 4
        assert first.absolute == pytest.approx(1e30)

    def test_a_number_that_can_not_be_compared_is_counted_apart(self, store: QualityStore) -> None:
        send(store, number("a", 1.0, float("nan")), number("b", 1.0, 2.0))
        found = reading(store, Span()).numbers()
        assert (found.rows, found.unusable, found.absolute) == (1, 1, 1.0)


class TestSets:
    def test_labels_add_up_over_hours_and_parts(self, store: QualityStore) -> None:
        draw = random.Random(3)
        bits = [([draw.randrange(2) for _ in range(3)], [draw.randrange(2) for _ in range(3)])
                for _ in range(60)]  # fmt: skip
        wrong = [([1 - bit for bit in true], said) for true, said in bits]
        at = [NOON + n * 7 * MINUTE for n in range(60)]
        send(store, *(labels(str(n), *wrong[n], at=at[n]) for n in range(0, 60, 2)))
        send(store, *(labels(str(n), *bits[n], at=at[n]) for n in range(60)))

        for span in (Span(), Span(NOON + 20 * MINUTE), Span(NOON + HOUR, NOON + 3 * HOUR + 1)):
            since, until = span.since or 0, span.until or 2 * NOON
            chosen = [bits[n] for n in range(60) if since <= at[n] < until]
            true, said = np.array(chosen).transpose(1, 0, 2)
            found, wanted = reading(store, span).sets(), count_labels(true, said)
            assert (found.rows, found.exact_rows, found.named_rows) == (
                wanted.rows, wanted.exact_rows, wanted.named_rows,
            )  # fmt: skip
            assert found.jaccard == pytest.approx(wanted.jaccard)
            for name in ("true_positives", "false_positives", "false_negatives"):
                assert getattr(found, name).tolist() == getattr(wanted, name).tolist()

    def test_counters_keep_what_was_said_first(self, store: QualityStore) -> None:
        send(store, labels("a", (1, 0, 0), (1, 1, 0)))
        send(store, labels("a", (0, 1, 1), (1, 1, 0)))
        first, now = store.counters().versions[0].first.sets(), reading(store, Span()).sets()
        assert first.true_positives.tolist() == [1, 0, 0]
        assert first.false_positives.tolist() == [0, 1, 0]
        assert now.true_positives.tolist() == [0, 1, 0]
        assert now.false_negatives.tolist() == [0, 0, 1]
        assert first.rows == now.rows == 1


class TestCoverage:
    def test_predictions_and_labels_of_the_same_hours(self, store: QualityStore) -> None:
        hour = hour_of(NOON)
        store.count_predictions({("m", 1, hour): 10, ("m", 1, hour - 1): 5})
        store.count_predictions({("m", 1, hour): 2, ("m", 2, hour): 1})
        store.count_predictions({})
        send(store, labelled("a", 1, 1), labelled("b", 1, 1, at=NOON - 1))
        send(store, labelled("a", 2, 1), labelled("b", 1, 1, at=NOON - 1))

        def covered(span: Span) -> list[tuple[int, int, int]]:
            return [(one.version, one.predicted, one.labelled) for one in store.readings(span)]

        assert covered(Span()) == [(1, 17, 2), (2, 1, 0)]
        assert covered(Span(NOON)) == covered(Span(NOON + MINUTE)) == [(1, 12, 1), (2, 1, 0)]
        assert covered(Span(None, NOON)) == [(1, 5, 1), (2, 0, 0)]
