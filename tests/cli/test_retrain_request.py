"""A retrain's request out of a file and options: what is said last counts, and it is one."""

from pathlib import Path
from typing import Any

import click
import orjson
import pytest

from service.cli.retrain_request import read_request, with_options, with_settings
from service.recipe.retrain import RetrainRequest

DATA = {"data": {"file": "train.csv"}}


@pytest.mark.parametrize(
    ("given", "place", "value"),
    [
        ({"epochs": 5}, "fit.epochs", 5),
        ({"learning_rate": 0.01, "optimizer": "sgd"}, "compile.learning_rate", 0.01),
        ({"metric": ("accuracy", "AUC")}, "compile.metrics", ["accuracy", "AUC"]),
        ({"class_weight": "balanced"}, "compile.class_weight", "balanced"),
        ({"label": "truth"}, "data.columns.label", "truth"),
        ({"patience": 3}, "callbacks.EarlyStopping.patience", 3),
        ({"patience": 0}, "callbacks.EarlyStopping.restore_best_weights", True),
        ({"from_version": 2, "freeze": ("conv*",)}, "init.freeze", ["conv*"]),
        ({"train_last": 2, "classes": 5}, "init.freeze.all_but_last", 2),
        ({"fresh": True}, "init.from", "architecture"),
        ({"promote": "auto", "priority": 3}, "promote", "auto"),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else None,
)
def test_an_option_stands_where_keras_has_it(
    given: dict[str, Any], place: str, value: object
) -> None:
    request = with_options(orjson.loads(orjson.dumps(DATA)), given)
    found: Any = request
    for name in place.split("."):
        found = found[name]
    assert found == value
    RetrainRequest.model_validate(request)


def test_feedback_may_have_a_beginning() -> None:
    assert with_options({}, {"from_feedback": True}) == {"data": {"from_feedback": {}}}
    asked = with_options({}, {"from_feedback": True, "since": "30d"})
    assert asked == {"data": {"from_feedback": {"since": "30d"}}}
    RetrainRequest.model_validate(asked)


def test_options_are_put_over_the_file_and_settings_over_both(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"fit": {"epochs": 3, "batch_size": 8}, "compile": {"loss": "mse"}}')
    request = with_options(read_request(file), {"epochs": 5, "loss": None, "metric": ()})
    request = with_settings(
        request, ["fit.epochs=7", "callbacks.CSVLogger=true", "compile.optimizer=rmsprop"]
    )
    assert request == {
        "fit": {"epochs": 7, "batch_size": 8},
        "compile": {"loss": "mse", "optimizer": "rmsprop"},
        "callbacks": {"CSVLogger": True},
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"freeze": ("conv*",), "train_last": 2}, "--freeze and --train-last"),
        ({"fresh": True, "weights": Path("w.h5")}, "--fresh and --weights"),
        ({"data": Path("a.csv"), "server_data": "b.csv"}, "--data and --server-data"),
    ],
    ids=["freeze", "begin", "data"],
)
def test_two_options_for_one_place_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(click.UsageError, match=f"{words}: expected only one"):
        with_options({}, given)


@pytest.mark.parametrize("setting", ["fit.epochs", "=3", "fit..epochs=3", ""])
def test_a_setting_that_names_nothing_is_refused(setting: str) -> None:
    with pytest.raises(click.UsageError, match=r"NAME\.NAME=VALUE"):
        with_settings({}, [setting])


@pytest.mark.parametrize("content", ["{", "[]", "3"])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(click.UsageError, match=r"r\.json"):
        read_request(tmp_path / "r.json")
