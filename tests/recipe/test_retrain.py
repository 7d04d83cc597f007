"""A retrain's request: read from JSON, written to JSON, and refused in one clear sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.retrain import RetrainRequest

WHOLE: dict[str, Any] = {
    "data": {"file": "digits.csv", "columns": {"label": "digit"}},
    "init": {"from": "weights", "version": 3, "freeze": {"all_but_last": 1}},
    "compile": {
        "optimizer": {"class_name": "SGD", "config": {"momentum": 0.9}},
        "learning_rate": 0.05,
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["acc", {"name": "SparseTopKCategoricalAccuracy", "k": 3}],
    },
    "fit": {"epochs": 20, "batch_size": 64, "seed": 7, "class_weight": "balanced"},
    "callbacks": {
        "ModelCheckpoint": {"filepath": "cp.ckpt", "save_best_only": True},
        "EarlyStopping": {"patience": 3, "restore_best_weights": True},
        "LearningRateScheduler": {"schedule": {"kind": "cosine", "warmup_epochs": 2}},
        "CSVLogger": True,
    },
    "promote": "auto",
    "priority": 5,
}


def refusal(**part: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        RetrainRequest.model_validate({"data": {"file": "digits.csv"}, **part})
    faults = caught.value.errors(include_url=False)
    assert len(faults) == 1, faults
    return f"{'.'.join(map(str, faults[0]['loc']))}: {faults[0]['msg']}"


def test_what_was_asked_survives_the_job_table() -> None:
    request = RetrainRequest.model_validate(WHOLE)

    again = RetrainRequest.model_validate(request.model_dump(mode="json"))

    assert again == request
    assert again.fit.epochs == 20
    assert again.class_weight == "balanced"


def test_a_request_needs_nothing_but_its_data() -> None:
    request = RetrainRequest.model_validate({"data": {"file": "digits.csv"}})

    assert (request.fit.epochs, request.fit.batch_size, request.fit.shuffle) == (1, 32, True)
    assert request.compile.optimizer is None
    assert request.callbacks.TensorBoard is not None
    assert request.callbacks.TerminateOnNaN is not None
    assert request.callbacks.EarlyStopping is None
    assert request.promote == "manual"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"fit": {"epochs": 0}}, "fit.epochs: Input should be greater than or equal to 1"),
        ({"fit": {"epoch": 3}}, "fit: Value error, 'epoch' is unknown; expected some of epochs, "),
        ({"fit": {"validation_split": 0.2}}, "is not said here: give data.split.validation"),
        ({"fit": {"validation_freq": "x"}}, "expected a whole number from 1, or a list of them"),
        (
            {"compile": {"optimizer": "adamm"}},
            "no optimizer 'adamm' is offered here; expected one of",
        ),
        (
            {"compile": {"optimizer": {"name": "Adam", "momentum": 1}}},
            "Adam has no argument momentum; expected some of amsgrad, beta_1",
        ),
        (
            {"compile": {"optimizer": {"name": "Adam", "learning_rate": {"a": 1}}}},
            "learning_rate must be a number, a text, true, false or null",
        ),
        (
            {"compile": {"optimizer": {"name": "Adam", "learning_rate": 0}}},
            "learning_rate must be a number above 0",
        ),
        (
            {"compile": {"optimizer": {"name": "Adam", "learning_rate": 1}, "learning_rate": 2}},
            "learning_rate stands in compile and in its optimizer",
        ),
        ({"compile": {"loss": 3}}, "expected the loss as a name, or as"),
        ({"compile": {"loss": "lambda x: x"}}, "no loss 'lambda x: x' is offered here"),
        ({"compile": {"metrics": ["Lambda"]}}, "no metric 'Lambda' is offered here"),
        (
            {"compile": {"metrics": [{"class_name": "AUC", "config": {"name": "a"}}] * 2}},
            "two metrics are called a",
        ),
        (
            {"compile": {"metrics": [{"class_name": "AUC", "config": {"name": ["a"]}}]}},
            """a metric can't be called "['a']\"""",
        ),
        (
            {"compile": {"metrics": [{"class_name": "AUC", "config": {"name": "a\nb"}}]}},
            r"a metric can't be called 'a\nb'",
        ),
        (
            {"compile": {"metrics": [{"class_name": "AUC", "config": {"name": "val_loss"}}]}},
            "a metric can't be called 'val_loss'",
        ),
        (
            {"compile": {"metrics": [{"class_name": "AUC", "config": {"name": "learning_rate"}}]}},
            "a metric can't be called 'learning_rate'",
        ),
        ({"compile": {"class_weight": "even"}}, 'expected "balanced", or a weight from 0'),
        ({"compile": {"class_weight": {"cat": -1}}}, 'expected "balanced", or a weight from 0'),
        (
            {"compile": {"class_weight": "balanced"}, "fit": {"class_weight": "balanced"}},
            "class_weight stands in compile and in fit",
        ),
        (
            {
                "callbacks": {"ModelCheckpoint": {"filepath": "{val_loss:.2f}.keras"}},
                "fit": {"validation_freq": 2},
            },
            "ModelCheckpoint's filepath has {val_loss}, which only epochs have that are validated, "
            "and fit.validation_freq is 2",
        ),
        ({"promote": "always"}, "promote: Input should be 'auto', 'manual' or 'never'"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_word_is_refused_in_one_sentence(part: dict[str, Any], said: str) -> None:
    assert said in refusal(**part)


def test_the_best_of_the_epochs_that_are_validated_may_be_called_by_them() -> None:
    best = {"filepath": "{val_loss:.2f}.keras", "save_best_only": True}
    request = RetrainRequest.model_validate(
        {
            "data": {"file": "a.csv"},
            "callbacks": {"ModelCheckpoint": best},
            "fit": {"validation_freq": [1, 3]},
        }
    )

    assert request.fit.validation_freq == [1, 3]


def test_a_whole_number_is_a_learning_rate_too() -> None:
    request = RetrainRequest.model_validate(
        {
            "data": {"file": "a.csv"},
            "compile": {"optimizer": {"name": "Adadelta", "learning_rate": 1}},
        }
    )

    assert request.compile.optimizer is not None
    assert isinstance(request.compile.optimizer.config["learning_rate"], float)


def test_no_batch_size_is_kerass() -> None:
    request = RetrainRequest.model_validate(
        {"data": {"file": "a.csv"}, "fit": {"batch_size": None, "validation_batch_size": None}}
    )

    assert request.fit.batch_size == 32


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM", {"name": "adam"}], ids=str)
def test_names_are_taken_however_they_are_spelt(name: Any) -> None:
    request = RetrainRequest.model_validate(
        {"data": {"file": "a.csv"}, "compile": {"optimizer": name}}
    )

    assert request.compile.optimizer is not None
    assert request.compile.optimizer.class_name == "Adam"


def test_metrics_have_names_that_no_other_model_of_the_process_changes() -> None:
    compile_ = {"metrics": ["accuracy", "AUC", {"name": "auc", "curve": "PR"}, "Precision"]}
    request = RetrainRequest.model_validate({"data": {"file": "a.csv"}, "compile": compile_})

    assert request.compile.metrics is not None
    names = [metric.config.get("name", metric.class_name) for metric in request.compile.metrics]
    assert names == ["accuracy", "auc", "auc_1", "precision"]
