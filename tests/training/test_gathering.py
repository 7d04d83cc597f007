"""The rows of a job are gathered once, from files or from live traffic; later attempts see them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from service.base.aside import PART
from service.base.job_errors import Cancelled
from service.base.refusals import DataRefused
from service.base.sequences import Sequences
from service.base.signature import Signature, TensorSpec
from service.capture.choice import Choice
from service.capture.feedback import count
from service.capture.layout import HOUR
from service.data.asked import expected_rows
from service.data.dataset import Expected
from service.data.places import DataPlaces
from service.recipe.data import DataRequest, FromFeedback, LabelledData
from service.training.data.gathering import gather, gather_rows
from service.training.data.live_division import wanted_of
from service.training.judging.judgement import latest_asked
from tests.capture.live import Traffic
from tests.capture.made import NOON, PLAIN, form_of

OUTPUT = TensorSpec("y", "float32", (None, 3))
NAMES = ("a", "b", "c")
TABLE = Signature((TensorSpec("x", "float32", (None, 2)),), (OUTPUT,))
STEPS = Signature((TensorSpec("x", "float32", (None, None, 2)),), (OUTPUT,))


class Going:
    """An attempt that goes on, or is cancelled at its n-th check."""

    def __init__(self, checks: int = 1_000_000) -> None:
        self.left = checks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled("job")


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    made = Traffic(tmp_path)
    yield made
    made.close()


@pytest.fixture
def places(tmp_path: Path) -> DataPlaces:
    rows = "".join(f"{n},{n / 2},{NAMES[n % 3]},{n % 2 + 1}\n" for n in range(120))
    (tmp_path / "rows.csv").write_text("u,v,label,w\n" + rows)
    return DataPlaces(tmp_path / "none", tmp_path)


def asked(request: LabelledData, signature: Signature = TABLE) -> Expected:
    sequences = Sequences(padding="post") if signature is STEPS else None
    return expected_rows(request, signature, "classes", 3, NAMES, sequences)


FILE = DataRequest.model_validate({"file": "rows.csv", "columns": {"weight": "w"}})
LIVE = DataRequest.model_validate({"from_feedback": {}, "split": {"by": "time"}})


@pytest.mark.slow
def test_a_later_attempt_sees_the_same_rows(tmp_path: Path, places: DataPlaces) -> None:
    job = tmp_path / "job"
    job.mkdir()

    first = gather(FILE, asked(FILE), places, job, Going())
    (tmp_path / "rows.csv").unlink()
    again = gather(FILE, asked(FILE), places, job, Going(0))

    assert again.facts == first.facts
    assert first.facts.rows == sum(first.facts.parts.values()) == 120
    assert len(first.train) == first.facts.parts["train"] > len(first.held_out) > 0
    assert first.facts.source["file"]["name"] == "rows.csv"
    assert first.class_names == NAMES
    for one, other in ((first.train, again.train), (first.held_out, again.held_out)):
        assert np.array_equal(one.inputs["x"], other.inputs["x"])
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(one.labels, (one.inputs["x"][:, 0] % 3).astype(int))
        assert one.weights is not None
        assert np.array_equal(one.weights, one.inputs["x"][:, 0] % 2 + 1)
        assert isinstance(one.inputs["x"], np.memmap)


@pytest.mark.slow
def test_a_cancelled_attempt_leaves_nothing(tmp_path: Path, places: DataPlaces) -> None:
    for checks in (0, 1):
        with pytest.raises(Cancelled):
            gather(FILE, asked(FILE), places, tmp_path / f"job{checks}", Going(checks))
        assert not list((tmp_path / f"job{checks}").glob("*"))


@pytest.mark.slow
def test_an_evaluation_takes_every_row(tmp_path: Path, places: DataPlaces) -> None:
    request = LabelledData.model_validate({"file": "rows.csv", "columns": {"ignore": ["w"]}})

    rows, facts = gather_rows(request, asked(request), places, tmp_path / "job", Going())

    assert len(rows) == facts.rows == 120
    assert rows.inputs["x"][:, 0].tolist() == list(range(120))
    assert facts.warnings == ("left out: 'w'",)
    bad = LabelledData(file="rows.csv")
    with pytest.raises(DataRefused, match=r"rows.csv: line 1: has 3 feature columns; expected 2"):
        gather_rows(bad, asked(bad), places, tmp_path / "bad", Going())


def test_the_newest_predictions_are_held_out(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    classes = [n * 7 % 3 for n in range(40)]
    traffic.learnt(classes)
    wanted = expected_rows(LIVE, Signature(PLAIN.inputs, (OUTPUT,)), "classes", 3, NAMES)

    data = gather(LIVE, wanted, places, tmp_path / "job", Going(), traffic.live)

    assert data.held_out.inputs["x"][:, 0].tolist() == list(range(34, 40))
    assert data.held_out.labels.tolist() == classes[34:]
    assert data.facts.source["counted"]["rows"] == 40
    assert data.facts.parts == {"train": 28, "validation": 6, "held_out": 6}


def test_what_is_labelled_after_the_window_is_left_for_the_gate(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    traffic.learnt([n % 3 for n in range(12)])
    traffic.learnt([n % 3 for n in range(12, 20)], since=12, at=NOON + HOUR)
    window = {"from_feedback": {"until": (NOON + HOUR) / 1000}}
    data = DataRequest.model_validate(window)
    latest = latest_asked(data)
    assert latest is not None
    found = [
        gather_rows(request, asked(request, PLAIN), places, tmp_path / name, Going(), traffic.live)
        for name, request in (("data", LabelledData.model_validate(window)), ("live", latest))
    ]

    numbers = [rows.inputs["x"][:, 0].tolist() for rows, _ in found]
    assert numbers == [list(range(12)), list(range(12, 20))]
    assert latest_asked(DataRequest.model_validate({"from_feedback": {"since": "30d"}})) is None
    of_file = latest_asked(DataRequest(file="rows.csv"))
    assert of_file is not None
    assert of_file.from_feedback == FromFeedback(limit=5000)


def test_an_attempt_that_was_given_up_writes_elsewhere(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    traffic.learnt([n % 3 for n in range(40)])
    wanted = expected_rows(LIVE, Signature(PLAIN.inputs, (OUTPUT,)), "classes", 3, NAMES)
    job, seen = tmp_path / "job", list[set[str]]()

    class Watching(Going):
        def check(self) -> None:
            seen.append({path.name for path in job.glob(f"{PART}*")} if job.exists() else set())
            super().check()

    with pytest.raises(Cancelled):
        gather(LIVE, wanted, places, job, Watching(1), traffic.live)
    first = seen[-1]
    gather(LIVE, wanted, places, job, Watching(), traffic.live)

    assert len(first) == len(seen[-1]) == 1
    assert first != seen[-1]


def test_captured_sequences_are_padded(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    predict_sequences(traffic, lambda n: n % 4 + 1)
    request = LabelledData.model_validate({"from_feedback": {}})

    rows, _ = gather_rows(
        request, asked(request, STEPS), places, tmp_path / "job", Going(), traffic.live
    )

    assert rows.inputs["x"].shape == (12, 4, 2)
    assert rows.inputs["x"][:, :, 0].sum(axis=1).tolist() == [(n % 4 + 1) * n for n in range(12)]


def test_sequences_of_several_lengths_need_a_declaration(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    predict_sequences(traffic, lambda n: n % 4 + 1)
    request = LabelledData.model_validate({"from_feedback": {}})
    undeclared = expected_rows(request, STEPS, "classes", 3, NAMES)
    wrong = "4 different shapes; expected a section sequences"

    with pytest.raises(DataRefused, match=wrong):  # before a job is accepted
        count(traffic.live, wanted_of(undeclared), Choice())
    with pytest.raises(DataRefused, match=wrong):
        gather_rows(request, undeclared, places, tmp_path / "job", Going(), traffic.live)


def test_only_rows_that_are_taken_have_to_be_alike(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    predict_sequences(traffic, lambda n: 1 if n < 4 else 2)
    request = LabelledData.model_validate({"from_feedback": {"limit": 8}})
    undeclared = expected_rows(request, STEPS, "classes", 3, NAMES)

    assert count(traffic.live, wanted_of(undeclared), Choice(limit=8)).rows == 8
    rows, _ = gather_rows(request, undeclared, places, tmp_path / "job", Going(), traffic.live)

    assert rows.inputs["x"].shape == (8, 2, 2)


def test_sequences_of_one_length_need_none(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    predict_sequences(traffic, lambda n: 3)
    request = LabelledData.model_validate({"from_feedback": {}})
    undeclared = expected_rows(request, STEPS, "classes", 3, NAMES)

    rows, _ = gather_rows(request, undeclared, places, tmp_path / "job", Going(), traffic.live)

    assert count(traffic.live, wanted_of(undeclared), Choice()).rows == 12
    assert rows.inputs["x"].shape == (12, 3, 2)


def test_texts_are_refused_before_a_job_is_accepted(traffic: Traffic) -> None:
    texts = Signature((TensorSpec("note", "string", (None,)),), (OUTPUT,))
    request = LabelledData.model_validate({"from_feedback": {}})

    with pytest.raises(DataRefused, match="input 'note' takes texts; expected a model whose"):
        count(traffic.live, wanted_of(expected_rows(request, texts, "classes", 3)), Choice())


def predict_sequences(traffic: Traffic, steps: Callable[[int], int]) -> None:
    for n in range(12):
        given = {"x": np.full((1, steps(n), 2), n, np.float32)}
        traffic.predict(str(n), given, NOON + n, form=form_of(STEPS))
        traffic.label(str(n), n % 3, at=NOON + n)


@pytest.mark.slow
def test_one_long_sequence_does_not_make_all_others_long(
    traffic: Traffic, places: DataPlaces, tmp_path: Path
) -> None:
    predict_sequences(traffic, lambda n: 9_000_000 if n == 5 else 1)
    request = LabelledData.model_validate({"from_feedback": {}})

    with pytest.raises(DataRefused, match="12 sequences padded to 9000000 steps are 216000000 num"):
        gather_rows(request, asked(request, STEPS), places, tmp_path / "job", Going(), traffic.live)
