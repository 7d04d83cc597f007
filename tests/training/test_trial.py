"""Candidate and champion are run over the same rows, and what came of it is kept and told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.base.refusals import TrainingRefused
from service.base.signature import Signature, TensorSpec
from service.jobs.attempt import Attempt
from service.jobs.store import JobStore
from service.quality.compared import right_rows
from service.quality.keras_losses import Loss
from service.recipe.gate import Gate
from service.repository.model_config import ModelConfig
from service.training.data.rows import Rows
from service.training.inference import Inference
from service.training.judging.answers import evaluate_answers, loss_by_form, question_of
from service.training.judging.trial import (
    Contestant,
    Measured,
    Trial,
    are_comparable,
    of_record,
    told,
)
from service.training.publication.lineage import score_summary, shortened
from tests.databases import migrate
from tests.jobs.orders import begun
from tests.runtime.models import centring, summing

INPUTS = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
ROWS = Rows({"x": INPUTS}, INPUTS.sum(axis=1))
CONFIG = ModelConfig()


def signature(*shape: int | None, activation: str = "") -> Signature:
    return Signature(
        (TensorSpec("x", "float32", (None, 2)),),
        (TensorSpec("y", "float32", (None, *shape), activation=activation),),
    )


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    engine: sa.Engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    store = JobStore(engine, "repository")
    yield Attempt(store, begun(store), tmp_path / "job")
    engine.dispose()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Contestant, Contestant]]:
    """A candidate that is always right, and a champion that is off by the batch's mean."""
    folders = (tmp_path / "a", tmp_path / "b")
    for folder, make in zip(folders, (summing, centring), strict=True):
        folder.mkdir()
        make(folder).write(folder)
    with Inference(folders[0]) as ours, Inference(folders[1]) as theirs:
        question = question_of(CONFIG, ours.compiled.signature, "m")
        yield Contestant(0, ours, question), Contestant(7, theirs, question)


def test_the_better_one_passes_on_held_out_and_live_rows(
    attempt: Attempt, pair: tuple[Contestant, Contestant]
) -> None:
    trial = Trial(attempt, 16, Loss("mean_squared_error"))

    gate = Gate(max_latency_ratio=1000)
    verdict, measured = trial.hold(gate, *pair, held_out=ROWS, live=ROWS)

    assert verdict.passed
    assert [(one.version, one.dataset) for one in measured] == [
        (0, "test"), (7, "test"), (0, "feedback"), (7, "feedback"),
    ]  # fmt: skip
    assert measured[0].evaluated.metrics["loss"] == pytest.approx(0, abs=1e-9)
    assert measured[0].data_sha256 == measured[1].data_sha256
    rules = {one.rule: one for one in verdict.reasons}
    assert rules["max_latency_ratio"].figures["ratio"] > 0
    assert rules["feedback"].passed


def test_the_worse_one_does_not(attempt: Attempt, pair: tuple[Contestant, Contestant]) -> None:
    verdict, _ = Trial(attempt, 16, None).hold(Gate(), pair[1], pair[0], ROWS, "no labels yet")
    assert "rmse" in verdict.summary
    assert "no labels yet" in [one.text for one in verdict.reasons]


def test_without_held_out_rows_nothing_is_shown(
    attempt: Attempt, pair: tuple[Contestant, Contestant]
) -> None:
    nothing = Rows({"x": INPUTS[:0]}, INPUTS[:0].sum(axis=1))
    verdict, _ = Trial(attempt, 16, None).hold(Gate(), *pair, held_out=nothing, live="")
    assert "0 held-out rows are too few" in verdict.summary


def test_only_those_who_answer_the_same_question_are_compared(
    pair: tuple[Contestant, Contestant],
) -> None:
    assert are_comparable(*pair)
    other = question_of(CONFIG, signature(3, activation="softmax"), "m")
    assert not are_comparable(pair[0], replace(pair[1], question=other))


def test_what_was_measured_is_stored_with_its_version(attempt: Attempt) -> None:
    question = question_of(CONFIG, signature(2, activation="softmax"), "m")
    truth = np.array([0, 1, 1])
    answers = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32)
    evaluated = evaluate_answers(question, truth, answers, loss_by_form(question))

    record = Measured(0, "test", "d" * 64, evaluated).as_json()

    stored = of_record(record, "m", 4, "job", 5.0)

    assert (stored.version, stored.dataset, stored.rows) == (4, "test", 3)
    assert stored.confusion == ((1, 0), (1, 1))
    assert right_rows(stored).tolist() == [True, True, False]
    assert stored.metrics["loss"] == pytest.approx(-np.log([0.9, 0.8, 0.3]).mean())
    assert "correct" not in told([record])[0]
    assert score_summary(record)["version"] == "candidate"
    assert [one["recall"] for one in score_summary(record)["classes"]] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("config", "output", "form", "width", "loss"),
    [
        ({}, signature(1), "values", 1, "mean_squared_error"),
        ({}, signature(1, activation="sigmoid"), "classes", 2, "binary_crossentropy"),
        ({}, signature(3, activation="softmax"), "classes", 3, "categorical_crossentropy"),
        ({}, signature(3, activation="sigmoid"), "sets", 3, "binary_crossentropy"),
        ({"labels": ["a", "b"]}, signature(1), "classes", 2, "binary_crossentropy"),
    ],
    ids=["numbers", "one score", "scores", "sets", "by labels"],
)
def test_a_question_is_told_by_model_yaml_and_signature(
    config: dict[str, object], output: Signature, form: str, width: int, loss: str
) -> None:
    found = question_of(ModelConfig.model_validate(config), output, "m")
    assert (found.form, found.width) == (form, width)
    assert loss_by_form(found).name == loss
    assert len(found.class_names) == (0 if form == "values" else width)


@pytest.mark.parametrize("width", [1, 3])
def test_the_usual_loss_of_numbers_that_are_no_shares_is_that_of_logits(width: int) -> None:
    config = ModelConfig(labels=("a", "b", "c")[: max(width, 2)])

    def is_of_logits(activation: str) -> bool:
        return loss_by_form(
            question_of(config, signature(width, activation=activation), "m")
        ).from_logits

    assert is_of_logits("linear")
    assert not is_of_logits("softmax")
    assert not is_of_logits("")  # nobody knows


def test_an_output_that_no_label_fits_is_refused() -> None:
    with pytest.raises(TrainingRefused, match="no label can be compared"):
        question_of(CONFIG, signature(None, 3), "version 1 of model m")


def test_long_lists_are_cut_for_people() -> None:
    found = shortened({"layers": list(range(150)), "few": (1, 2)})
    assert found["layers"][-1] == "and 50 more"
    assert len(found["layers"]) == 101
    assert found["few"] == [1, 2]
