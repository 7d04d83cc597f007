"""Rows of feedback that a retrain can't learn from are told before its job is accepted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.refusals import DataRefused
from service.base.settings import Settings
from service.base.strict_json import Json
from service.recipe.data import DataRequest, LabelledData
from service.repository.model_config import ModelConfig
from service.web.jobs.data_check import DataChecks
from service.web.jobs.subject import Subject
from tests.capture.live import Traffic
from tests.capture.made import PLAIN

FEEDBACK: Json = {"from_feedback": {}}


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    made = Traffic(tmp_path)
    made.learnt([0, 1, 2] * 4)
    made.predict("bad", float("nan"))
    made.label("bad", 1)
    yield made
    made.close()


def subject(config: ModelConfig) -> Subject:
    return Subject("m", 1, config, PLAIN, "classes", 3, ("a", "b", "c"))


def test_inputs_that_are_no_finite_numbers_are_refused_where_they_are_answered(
    tmp_path: Path, traffic: Traffic
) -> None:
    settings = Settings(repository=tmp_path, state_dir=tmp_path / "state", shared_dir=tmp_path)
    checks, answered = DataChecks(settings, traffic.store), ModelConfig(allow_non_finite=True)

    with pytest.raises(DataRefused, match="1 rows have values that are NaN or infinite"):
        checks.check(DataRequest.model_validate(FEEDBACK), subject(answered))

    rows = checks.check(LabelledData.model_validate(FEEDBACK), subject(answered))["rows"]
    assert rows == 13  # an evaluation takes them
