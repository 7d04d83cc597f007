"""Rows of live traffic become arrays: in order, of the model's dtypes, each exactly once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.capture.layout import HOUR, files
from service.capture.merging import merge
from service.training.data.feedback_rows import Choice, FeedbackRows, Wanted, gather_feedback
from tests.capture.live import CLASSES, Traffic
from tests.capture.made import NOON, PLAIN, answered, form_of, id_of, row_of, write
from tests.quality.rows import number

ALL = Choice()


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    made = Traffic(tmp_path)
    yield made
    made.close()


def gathered(
    traffic: Traffic, folder: Path, choice: Choice = ALL, wanted: Wanted = CLASSES
) -> FeedbackRows:
    folder.mkdir(exist_ok=True)
    return gather_feedback(traffic.live, wanted, choice, folder)


def test_inputs_and_labels_belong_together(traffic: Traffic, tmp_path: Path) -> None:
    classes = [n * 7 % 3 for n in range(40)]
    traffic.learnt(classes[20:], since=20, at=NOON + HOUR)
    traffic.learnt(classes[:20])
    rows = gathered(traffic, tmp_path / "data")
    assert rows.inputs["x"][:, 0].tolist() == list(range(40))
    assert rows.labels.tolist() == classes
    assert rows.labels.dtype == np.int64
    assert (np.diff(rows.at) > 0).all()
    assert dict(rows.counted.counts) == {"a": 14, "b": 13, "c": 13}
    assert isinstance(rows.inputs["x"], np.memmap)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["captured-0.npy"]


def test_the_same_choice_is_the_same_rows_whatever_became_of_the_files(
    traffic: Traffic, tmp_path: Path
) -> None:
    traffic.learnt([0] * 20 + [1] * 5)
    choice = Choice(balanced=True, seed=3)
    before = gathered(traffic, tmp_path / "before", choice)
    assert merge(traffic.live.folder, files(traffic.live.folder), NOON // HOUR + 1) == 25
    after = gathered(traffic, tmp_path / "after", choice)
    assert before.inputs["x"].tolist() == after.inputs["x"].tolist()
    assert before.labels.tolist() == after.labels.tolist() == [0] * 5 + [1] * 5


def test_inputs_become_what_the_model_takes(traffic: Traffic, tmp_path: Path) -> None:
    """A version that took doubles has answered; the one that learns takes floats."""
    doubles = Signature((TensorSpec("x", "float64", (None, 3)),), ())
    for n in range(3):
        given = {"x": np.full((1, 3), n + 0.1, np.float64)}
        traffic.predict(str(n), given, form=form_of(doubles))
        traffic.label(str(n), n)
    rows = gathered(traffic, tmp_path / "data")
    assert rows.inputs["x"].dtype == np.float32
    assert sorted(rows.inputs["x"][:, 1].tolist()) == [
        pytest.approx(n + 0.1, abs=1e-6) for n in range(3)
    ]


def test_sequences_stay_of_different_lengths(traffic: Traffic, tmp_path: Path) -> None:
    steps = Signature((TensorSpec("x", "float32", (None, None, 2)),), ())
    for n in range(4):
        given = {"x": np.full((1, n + 1, 2), n, np.float32)}
        traffic.predict(str(n), given, NOON + n, form=form_of(steps))
        traffic.label(str(n), n % 3, at=NOON + n)
    wanted = Wanted(steps, "classes", 3, padded=frozenset("x"))
    rows = gathered(traffic, tmp_path / "data", wanted=wanted)
    assert [row.shape for row in rows.inputs["x"]] == [(1, 2), (2, 2), (3, 2), (4, 2)]
    assert [row[0, 0] for row in rows.inputs["x"]] == [0, 1, 2, 3]


def test_numbers_are_floats(traffic: Traffic, tmp_path: Path) -> None:
    for n, name in enumerate("abc"):
        traffic.predict(name, float(n))
        traffic.store.record_feedback("m", [number(name, n + 0.5, 0.0)], NOON)
    rows = gathered(traffic, tmp_path / "data", wanted=Wanted(PLAIN, "values", 1))
    assert rows.labels.dtype == np.float32
    assert (rows.labels - rows.inputs["x"][:, 0]).tolist() == [0.5, 0.5, 0.5]


def test_what_is_forgotten_meanwhile_is_left_out(traffic: Traffic, tmp_path: Path) -> None:
    traffic.learnt([0, 1, 2, 0])
    (tmp_path / "data").mkdir()

    def forget() -> None:
        traffic.store.forget("m", [id_of("1")], NOON)

    rows = gather_feedback(traffic.live, CLASSES, ALL, tmp_path / "data", forget)
    assert rows.inputs["x"][:, 0].tolist() == [0, 2, 3]
    assert rows.labels.tolist() == [0, 2, 0]
    assert (rows.counted.rows, dict(rows.counted.counts)) == (3, {"a": 2, "b": 0, "c": 1})


def test_what_is_left_after_that_must_be_enough(traffic: Traffic, tmp_path: Path) -> None:
    traffic.learnt([0, 1])
    (tmp_path / "data").mkdir()

    def forget() -> None:
        traffic.store.forget("m", [id_of("1")], NOON)

    with pytest.raises(DataRefused, match="has 1 rows with both inputs and a label"):
        gather_feedback(traffic.live, CLASSES, ALL, tmp_path / "data", forget)


def test_what_can_not_be_learned_from_is_refused_with_its_number(
    traffic: Traffic, tmp_path: Path
) -> None:
    traffic.learnt([0, 1, 2])
    traffic.predict("bad", float("inf"))
    traffic.label("bad", 1)

    with pytest.raises(DataRefused, match="1 rows have values that are NaN or infinite"):
        gathered(traffic, tmp_path / "learned", wanted=replace(CLASSES, is_finite=True))

    assert len(gathered(traffic, tmp_path / "evaluated").labels) == 4


def test_an_index_that_another_version_knew_is_refused(traffic: Traffic, tmp_path: Path) -> None:
    words = Signature((TensorSpec("x", "int32", (None, None), vocabulary=5),), ())
    for n in range(3):
        given = {"x": np.full((1, n + 1), n + 3, np.int32)}
        traffic.predict(str(n), given, form=form_of(words))
        traffic.label(str(n), n)
    wanted = Wanted(words, "classes", 3, padded=frozenset("x"), is_finite=True)

    with pytest.raises(DataRefused, match="1 rows have values that are not of its vocabulary in"):
        gathered(traffic, tmp_path / "data", wanted=wanted)


def test_others_rows_of_the_same_file_are_not_taken(traffic: Traffic, tmp_path: Path) -> None:
    some = [answered(str(n), row_of(n), NOON + n) for n in range(50)]
    write(traffic.folder, some)
    for n in (7, 3, 41):
        traffic.label(str(n), n % 3, at=NOON + n)
    rows = gathered(traffic, tmp_path / "data")
    assert rows.inputs["x"][:, 0].tolist() == [3, 7, 41]
    assert rows.labels.tolist() == [0, 1, 2]
