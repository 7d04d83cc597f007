"""The section `retrain` of model.yaml: defaults, schedule, webhook, rollback."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.base.refusals import ModelConfigInvalid
from service.recipe.retrain import RetrainRequest
from service.recipe.retraining import Retraining, cron_line, scheduled_request, with_defaults
from service.repository.model_config import ModelConfig, read_model_config
from service.repository.states import State, VersionRow

SECTION = """
retrain:
  schedule: "0 3 * * 1"
  webhook: https://example.org/hook
  rollback: {max_drop: 0.05}
  promote: auto
  data: {from_feedback: {since: 30d, balanced: true}}
  init: {from: architecture}
  compile: {optimizer: adam, learning_rate: 0.001}
  fit: {epochs: 10, batch_size: 64}
  callbacks:
    EarlyStopping: {patience: 3}
    LearningRateScheduler: {schedule: {0: 0.01, 5: 0.001}}
"""


@pytest.fixture
def section(tmp_path: Path) -> Retraining:
    (tmp_path / "model.yaml").write_text(SECTION)
    found = read_model_config(tmp_path).retrain
    assert found is not None
    return found


def test_a_schedule_asks_the_defaults(section: Retraining) -> None:
    request = scheduled_request(section)

    assert request.data.from_feedback is not None
    assert request.init.start == "architecture"
    assert (request.fit.epochs, request.fit.batch_size) == (10, 64)
    assert request.callbacks.EarlyStopping is not None
    assert request.promote == "auto"


def test_a_request_goes_before_the_defaults_key_by_key(section: Retraining) -> None:
    body = {"fit": {"epochs": 2}, "data": {"file": "new.csv"}, "callbacks": {"CSVLogger": True}}

    request = RetrainRequest.model_validate(with_defaults(body, section))

    assert (request.fit.epochs, request.fit.batch_size) == (2, 64)
    assert (request.data.file, request.data.from_feedback) == ("new.csv", None)
    assert request.callbacks.EarlyStopping is not None
    assert request.callbacks.CSVLogger is not None
    assert request.compile.rate == 0.001


@pytest.mark.parametrize(
    "asked",
    [
        {"EarlyStopping": {"min_delta": 0.1}},
        [{"class_name": "EarlyStopping", "config": {"min_delta": 0.1}}],
        {"EarlyStopping": {"min_delta": 0.1}, "ReduceLROnPlateau": False},
    ],
    ids=["object", "list", "another switched off"],
)
def test_a_callback_in_part_keeps_its_other_arguments(section: Retraining, asked: Any) -> None:
    found = RetrainRequest.model_validate(with_defaults({"callbacks": asked}, section)).callbacks

    assert found.EarlyStopping is not None
    assert (found.EarlyStopping.patience, found.EarlyStopping.min_delta) == (3, 0.1)
    assert found.LearningRateScheduler is not None


def test_true_is_a_callback_as_the_model_has_it_and_false_is_none(section: Retraining) -> None:
    asked = {"callbacks": {"EarlyStopping": True, "LearningRateScheduler": False}}

    found = RetrainRequest.model_validate(with_defaults(asked, section)).callbacks

    assert found.EarlyStopping is not None
    assert found.EarlyStopping.patience == 3
    assert found.LearningRateScheduler is None


def test_another_way_to_the_rate_takes_the_place_of_the_model_s(section: Retraining) -> None:
    asked = {"callbacks": {"ReduceLROnPlateau": True}}

    found = RetrainRequest.model_validate(with_defaults(asked, section)).callbacks

    assert found.ReduceLROnPlateau is not None
    assert found.LearningRateScheduler is None


@pytest.mark.parametrize(
    ("default", "asked", "rate", "weights"),
    [
        (
            {"compile": {"optimizer": {"name": "adam", "learning_rate": 0.01}}},
            {"compile": {"learning_rate": 0.5}}, 0.5, None,
        ),
        (
            {"compile": {"learning_rate": 0.01}},
            {"compile": {"optimizer": {"name": "sgd", "learning_rate": 0.5}}}, 0.5, None,
        ),
        (
            {"compile": {"class_weight": "balanced"}},
            {"fit": {"class_weight": {"a": 2}}}, None, {"a": 2.0},
        ),
    ],
    ids=["rate over an optimizer's", "optimizer's over a rate", "weights elsewhere"],
)  # fmt: skip
def test_a_request_may_say_it_in_the_other_place(
    default: dict[str, Any], asked: dict[str, Any], rate: float | None, weights: Any
) -> None:
    section = Retraining.model_validate({"data": {"file": "a.csv"}, **default})

    found = RetrainRequest.model_validate(with_defaults(asked, section))

    assert (found.compile.rate, found.class_weight) == (rate, weights)


def test_a_request_that_is_none_is_left_to_be_refused() -> None:
    section = Retraining.model_validate({"compile": {"optimizer": None, "learning_rate": 0.1}})

    assert with_defaults({"callbacks": 5}, section)["callbacks"] == 5
    for compiled in (5, {"optimizer": {"config": 5}}, {"optimizer": 5, "learning_rate": 0.5}):
        assert with_defaults({"compile": compiled}, section)["compile"]


def test_without_a_section_a_request_stands_alone() -> None:
    assert with_defaults({"fit": {"epochs": 2}}, None) == {"fit": {"epochs": 2}}


def test_the_section_survives_the_table_of_versions(section: Retraining) -> None:
    config = ModelConfig(retrain=section)

    again = ModelConfig(**config.model_dump(mode="json", exclude_defaults=True))

    assert again.retrain is not None
    assert scheduled_request(again.retrain) == scheduled_request(section)


def test_another_schedule_reloads_no_version(section: Retraining) -> None:
    with_it = VersionRow("digits", 1, State.READY, config=ModelConfig(retrain=section))
    without = VersionRow("digits", 1, State.READY)

    assert with_it.identity == without.identity


def test_nicknames_of_schedules_are_lines_of_cron() -> None:
    data: dict[str, Any] = {"from_feedback": {}}
    assert Retraining.model_validate({"schedule": "@daily", "data": data}).schedule == "@daily"
    assert cron_line("@daily") == "0 0 * * *"
    assert cron_line("5 4 * * *") == "5 4 * * *"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"schedule": "daily"}, "expected five fields of cron"),
        ({"schedule": "0 3 * * 1"}, "schedule needs data"),
        ({"webhook": "file:///etc/passwd"}, "expected a URL that begins with http"),
        ({"webhook": "http://"}, "expected a URL that begins with http"),
        ({"rollback": {"max_drop": -1}}, "greater than or equal to 0"),
        ({"fit": {"epochs": 0}}, "greater than or equal to 1"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_section_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Retraining.model_validate(given)


def test_a_wrong_section_names_its_place_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("retrain: {fit: {epochs: -3}}\n")

    with pytest.raises(ModelConfigInvalid, match=r"retrain\.fit\.epochs: Input should be"):
        read_model_config(tmp_path)
