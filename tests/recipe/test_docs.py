"""The page on requests is true: its examples are taken, and it leaves no field out."""

import json
import re

import pytest
import yaml
from pydantic import BaseModel

from service.recipe import callbacks, schedule
from service.recipe.compiling import Compile
from service.recipe.fit import Fit
from service.recipe.retrain import RetrainRequest
from service.recipe.retraining import NICKNAMES, Retraining, scheduled_request
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "retraining.md").read_text()
BLOCK = r"^```{kind}\n(.*?)^```"
PARTS = [
    RetrainRequest, Retraining, Compile, Fit, callbacks.Callbacks,
    callbacks.ModelCheckpointArguments, callbacks.EarlyStoppingArguments,
    callbacks.LearningRateSchedulerArguments, callbacks.ReduceLROnPlateauArguments,
    callbacks.TensorBoardArguments, callbacks.CSVLoggerArguments,
    callbacks.TerminateOnNaNArguments, callbacks.BackupAndRestoreArguments,
    *schedule.FORMS.values(),
]  # fmt: skip


def blocks(kind: str) -> list[str]:
    return re.findall(BLOCK.replace("{kind}", kind), PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks("json"), ids=lambda text: text[:40].replace("\n", " "))
def test_the_examples_are_taken(text: str) -> None:
    RetrainRequest.model_validate(json.loads(text))


def test_the_section_of_model_yaml_is_taken() -> None:
    [text] = blocks("yaml")

    section = Retraining.model_validate(yaml.safe_load(text)["retrain"])

    assert scheduled_request(section).fit.epochs == 20


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_no_field_is_left_out(part: type[BaseModel]) -> None:
    missing = {
        name for name in part.model_fields if f"`{name}" not in PAGE and f"{name}:" not in PAGE
    }

    assert missing == set()


def test_the_nicknames_of_schedules_are_there() -> None:
    assert {name for name in NICKNAMES if name not in PAGE} == {"@midnight"}
