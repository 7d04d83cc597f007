"""Callbacks of a request: Keras' names, arguments and defaults, switched by true and false."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.callbacks import Callbacks


def refusal(given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Callbacks.model_validate(given)
    faults = caught.value.errors(include_url=False)
    assert len(faults) == 1, faults
    return str(faults[0]["msg"])


def test_true_is_a_callback_with_kerass_defaults() -> None:
    callbacks = Callbacks.model_validate({"EarlyStopping": True, "ReduceLROnPlateau": True})

    assert callbacks.EarlyStopping is not None
    assert callbacks.EarlyStopping.model_dump() == {
        "monitor": "val_loss", "mode": "auto", "verbose": 0, "min_delta": 0, "patience": 0,
        "baseline": None, "restore_best_weights": False, "start_from_epoch": 0,
    }  # fmt: skip
    assert callbacks.ReduceLROnPlateau is not None
    assert callbacks.ReduceLROnPlateau.factor == 0.1
    assert callbacks.ReduceLROnPlateau.patience == 10


@pytest.mark.parametrize("off", [False, None], ids=str)
def test_false_is_none_of_it(off: Any) -> None:
    callbacks = Callbacks.model_validate({"TensorBoard": off, "TerminateOnNaN": off})

    assert callbacks.TensorBoard is None
    assert callbacks.TerminateOnNaN is None


def test_a_list_is_read_as_model_fit_takes_it() -> None:
    given = [
        {"class_name": "ModelCheckpoint", "config": {"filepath": "a.keras"}},
        {"class_name": "ModelCheckpoint", "filepath": "b.keras", "save_best_only": True},
        {"class_name": "EarlyStopping", "patience": 2},
        "CSVLogger",
    ]

    callbacks = Callbacks.model_validate(given)

    assert [each.filepath for each in callbacks.ModelCheckpoint] == ["a.keras", "b.keras"]
    assert callbacks.EarlyStopping is not None
    assert callbacks.EarlyStopping.patience == 2
    assert callbacks.CSVLogger is not None
    assert Callbacks.model_validate(callbacks.model_dump(mode="json")) == callbacks


@pytest.mark.parametrize(
    "given",
    [
        {"TensorBoard": {"profile_batch": 2}},
        {"TensorBoard": {"profile_batch": "10,20"}},
        {"TensorBoard": {"profile_batch": [10, 20], "embeddings_freq": 1}},
        {"BackupAndRestore": {"backup_dir": "/tmp/backup", "save_freq": 100}},
        {"BackupAndRestore": {"double_checkpoint": True, "delete_checkpoint": False}},
        {"EarlyStopping": {"min_delta": -0.1}, "ReduceLROnPlateau": {"min_delta": -0.1}},
    ],
    ids=str,
)
def test_all_that_keras_takes_is_taken(given: Any) -> None:
    found = Callbacks.model_validate(given)

    assert Callbacks.model_validate(found.model_dump(mode="json")) == found


def test_the_old_name_of_accuracy_is_understood() -> None:
    callbacks = Callbacks.model_validate({"EarlyStopping": {"monitor": "val_acc"}})

    assert callbacks.EarlyStopping is not None
    assert callbacks.EarlyStopping.watched == "val_accuracy"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LambdaCallback": {}}, "'LambdaCallback' is unknown; expected some of ModelCheckpoint, "),
        ({"BackupAndRestore": False}, "it can't be switched off"),
        ({"EarlyStopping": {"patience": -1}}, "greater than or equal to 0"),
        ({"EarlyStopping": {"min_delta": float("nan")}}, "finite number"),
        ({"TensorBoard": {"profile_batch": "1,2,3"}}, "expected the number of a batch"),
        ({"BackupAndRestore": {"save_freq": 0}}, "expected epoch, or a whole number of"),
        ({"ReduceLROnPlateau": {"factor": 1.0}}, "less than 1"),
        ({"ModelCheckpoint": {"save_freq": "never"}}, "expected epoch, or a whole number of"),
        ({"ModelCheckpoint": [{}] * 9}, "expected at most 8 of them"),
        (
            {"ModelCheckpoint": {"save_best_only": True, "save_freq": 5}},
            "can't monitor val_loss, which is known at the end of an epoch only",
        ),
        ({"ModelCheckpoint": {"filepath": "{epoch!r}.h5"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{epoch.__class__}"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{epoch:99999d}"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{epoch"}}, "its braces don't match"),
        ({"ModelCheckpoint": {"filepath": "{epoch\n}.h5"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{epoch:02d\n}.h5"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{val_loss:02d}.h5"}}, "is no place for a number"),
        ({"ModelCheckpoint": {"filepath": "{epoch:90d}" * 3}}, "name of at most 200 characters"),
        ({"ModelCheckpoint": {"filepath": "{batch}.h5"}}, "goes with a number as save_freq"),
        (
            {"ModelCheckpoint": {"filepath": "{val_loss}.h5", "save_freq": 9}},
            "{val_loss}, which is known at the end of an epoch only, and save_freq is 9",
        ),
        ({"CSVLogger": {"separator": "\n"}}, "String should match pattern"),
        ({"CSVLogger": {"separator": '"'}}, "String should match pattern"),
        ({"LearningRateScheduler": {"schedule": "lambda e: 1"}}, "code is never taken"),
        ({"LearningRateScheduler": {"schedule": {"kind": "linear"}}}, "code is never taken"),
        (
            {"LearningRateScheduler": {"schedule": {"kind": "step", "drop": 2}}},
            "drop: Input should be less than 1",
        ),
        (
            {"LearningRateScheduler": {"schedule": {"0": 1}}, "ReduceLROnPlateau": True},
            "sets the rate that ReduceLROnPlateau lowers",
        ),
        (["EarlyStopping", "EarlyStopping"], "EarlyStopping is there twice"),
        ([3], "in a list each callback is a name"),
        ("EarlyStopping", 'expected {"EarlyStopping": {"patience": 3}, ...}'),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_wrong_word_is_refused_in_one_sentence(given: Any, said: str) -> None:
    assert said in refusal(given)
