"""What waits to be written down: in batches, again after trouble, and never more than has room."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import sqlalchemy as sa

from service.quality.predicted import Kind, Prediction, Shape
from service.quality.score_bins import EDGES
from service.quality.store_predictions import Answered, Binned
from service.quality.windows import HOUR
from service.web.quality import recorder as recording
from service.web.quality.recorder import COUNT_S, KEYS_S, RETRY_S, Recorder, Tally
from tests.quality.keys import Clock
from tests.web.client import counted

AWAY = sa.exc.OperationalError("INSERT", {}, Exception("locked"))
TOO_LARGE = sa.exc.DataError("INSERT", {}, Exception("out of range"))
UNRECORDED = "kerasd_predictions_unrecorded_total"


class Kept:
    """A store in memory that fails as it is told to."""

    def __init__(self) -> None:
        self.predictions: list[tuple[str, bytes]] = []
        self.counts: Counter[Answered] = Counter()
        self.scores: Counter[Binned] = Counter()
        self.error: Exception | None = None
        self.refreshed = self.writes = 0

    def record_predictions(self, model: str, made: Sequence[Prediction]) -> None:
        self._meet()
        self.writes += 1
        self.predictions += [(model, one.id) for one in made]

    def count_predictions(
        self, answered: Mapping[Answered, int], scores: Mapping[Binned, int]
    ) -> None:
        self._meet()
        self.counts.update(answered)
        self.scores.update(scores)

    def refresh(self) -> None:
        self._meet()
        self.refreshed += 1

    def _meet(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def clock() -> Clock:
    return Clock(now=10.0)


@pytest.fixture
def recorder(kept: Kept, clock: Clock) -> Recorder:
    return Recorder(kept, kept.refresh, clock)


def made(number: int, size: int = 3) -> Prediction:
    shape = Shape(Kind.CLASSES, 2)
    return Prediction(number.to_bytes(16, "big"), 1, 0, shape, 1, b"c" * size)


def numbers(kept: Kept) -> list[int]:
    return [int.from_bytes(digest) for _, digest in kept.predictions]


def test_what_waits_is_written_in_its_order_a_model_at_a_time(
    kept: Kept, recorder: Recorder
) -> None:
    for number in range(4):
        recorder.record(("m" if number % 2 else "n", 1), made(number))
    recorder.step(0.0)
    assert kept.predictions == [
        (model, number.to_bytes(16, "big"))
        for model, number in [("n", 0), ("n", 2), ("m", 1), ("m", 3)]
    ]
    recorder.step(1.0)
    assert kept.writes == 2


def test_many_are_written_in_several_batches(
    kept: Kept, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "BATCH", 2)
    for number in range(5):
        recorder.record(("m", 1), made(number))
    recorder.step(0.0)
    assert (kept.writes, numbers(kept)) == (3, [0, 1, 2, 3, 4])


def test_counts_are_added_up_by_the_hour_and_written_every_few_seconds(
    kept: Kept, recorder: Recorder, clock: Clock
) -> None:
    recorder.step(0.0)
    recorder.tally(("m", 1)).add(3)
    recorder.tally(("m", 1)).add(4)
    recorder.step(1.0)
    clock.now = HOUR / 1000
    recorder.tally(("m", 2)).add(1)
    recorder.step(COUNT_S - 0.1)
    assert not kept.counts
    recorder.step(COUNT_S)
    assert kept.counts == {("m", 1, 0): 7, ("m", 2, 1): 1}
    recorder.step(2 * COUNT_S)
    assert kept.counts == {("m", 1, 0): 7, ("m", 2, 1): 1}


def test_scores_are_counted_by_bins_and_what_is_no_probability_is_not(
    kept: Kept, recorder: Recorder
) -> None:
    tally: Tally = recorder.tally(("m", 1))
    tally.add(4, np.array([0.95, 0.951, 1.0, 0.05], np.float32))
    tally.add(3, np.array([7.5, np.nan, -0.1], np.float32))
    tally.add(2)
    kept.error = AWAY
    recorder.step(0.0)
    kept.error = None
    recorder.step(RETRY_S)
    bins = [0, EDGES.index(0.95) - 1, EDGES.index(0.98) - 1, len(EDGES) - 2]
    assert kept.counts == {("m", 1, 0): 9}
    assert kept.scores == {(("m", 1, 0), place): 1 for place in bins}


def test_keys_are_read_at_once_and_every_minute(kept: Kept, recorder: Recorder) -> None:
    for now in (0.0, 1.0, KEYS_S, KEYS_S + 1):
        recorder.step(now)
    assert kept.refreshed == 2


def test_while_the_database_is_away_everything_waits(kept: Kept, recorder: Recorder) -> None:
    recorder.step(0.0)
    kept.error = AWAY
    recorder.record(("m", 1), made(1))
    recorder.tally(("m", 1)).add(3)
    recorder.step(COUNT_S)
    kept.error = None
    recorder.step(COUNT_S + RETRY_S / 2)
    assert not kept.predictions
    recorder.record(("m", 1), made(2))
    recorder.step(COUNT_S + RETRY_S)
    assert numbers(kept) == [1, 2]
    assert kept.counts == {("m", 1, 0): 3}


def test_trouble_is_told_once(
    kept: Kept, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    kept.error = AWAY
    for now in range(3):
        recorder.step(now * RETRY_S)
    assert [record.message for record in caplog.records] == ["predictions can't be recorded"]


@pytest.mark.parametrize(("limit", "most"), [("MAX_RECORDS", 2), ("MAX_BYTES", 2 * 310)])
def test_what_has_no_room_is_dropped_and_counted(
    kept: Kept, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(recording, limit, most)
    model = f"full-{limit}"
    for number in range(5):
        recorder.record((model, 1), made(number))
    assert counted(UNRECORDED, model=model) == 3
    recorder.step(0.0)
    recorder.record((model, 1), made(5))
    recorder.step(1.0)
    assert numbers(kept) == [0, 1, 5]


def test_what_the_database_can_never_take_doesnt_keep_others_waiting(
    kept: Kept, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.step(0.0)
    recorder.record(("odd", 1), made(1))
    kept.error = TOO_LARGE
    recorder.step(1.0)
    kept.error = None
    recorder.record(("odd", 1), made(2))
    recorder.step(2.0)
    assert numbers(kept) == [2]
    assert counted(UNRECORDED, model="odd") == 1
    assert "predictions are lost" in caplog.messages


def test_at_the_end_everything_is_written(kept: Kept, recorder: Recorder) -> None:
    recorder.start()
    recorder.record(("m", 1), made(1))
    recorder.tally(("m", 1)).add(3)
    recorder.close()
    assert numbers(kept) == [1]
    assert kept.counts == {("m", 1, 0): 3}


def test_one_that_wasnt_started_writes_nothing_at_its_end(kept: Kept, recorder: Recorder) -> None:
    recorder.record(("m", 1), made(1))
    recorder.close()
    assert not kept.predictions
