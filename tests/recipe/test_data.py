"""What a request may say of its data, and how it is told what it may not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.data import DataRequest, FromFeedback, LabelledData, seconds

NOW = 1_000_000.0


def refusal(**data: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        DataRequest.model_validate(data)
    return str(caught.value)


def test_a_file_is_all_that_must_be_named() -> None:
    request = DataRequest(file="rows.csv")

    assert request.split.model_dump() == {
        "validation": 0.15, "held_out": 0.15, "by": "hash", "seed": 0
    }  # fmt: skip
    assert request.labels == "auto"
    assert request.columns.labels == ()
    assert DataRequest.model_validate(request.model_dump(mode="json")) == request


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "expected exactly one of file and from_feedback"),
        ({"file": "a", "from_feedback": {}}, "expected exactly one of file and from_feedback"),
        ({"file": "/etc/passwd"}, "expected an uploaded file's name, or a path below the data"),
        ({"file": "a/../../b"}, "expected an uploaded file's name"),
        ({"file": "a\\b"}, "expected an uploaded file's name"),
        ({"file": "a\nb"}, "expected an uploaded file's name"),
        ({"file": "a", "split": {"validation": 0.5, "held_out": 0.5}}, "more than 0.9 of the rows"),
        ({"file": "a", "split": {"by": "time"}}, "split by time needs columns.time"),
        (
            {"file": "a", "split": {"by": "chance"}},
            "Input should be 'hash', 'stratified' or 'time'",
        ),
        ({"file": "a", "columns": {"label": "y", "weight": "y"}}, "columns names 'y' twice"),
        (
            {"file": "a", "columns": {"lbl": "y"}},
            "'lbl' is unknown; expected some of label, features, weight, time, ignore",
        ),
        ({"from_feedback": {"since": "yesterday"}}, "expected a time such as"),
        ({"from_feedback": {"since": True}}, "expected a time such as"),
        ({"from_feedback": {}, "held_out_file": "a"}, "held_out_file go with file"),
        ({"from_feedback": {}, "columns": {"weight": "w"}}, "weight, time and ignore go with file"),
        ({"from_feedback": {"limit": 0}}, "greater than or equal to 1"),
    ],
)
def test_says_what_is_wrong(data: dict[str, Any], words: str) -> None:
    assert words in refusal(**data)


def test_a_share_that_a_file_of_its_own_replaces_takes_no_rows() -> None:
    split = {"validation": 0.5, "held_out": 0.5}

    request = DataRequest.model_validate({"file": "a", "held_out_file": "b", "split": split})

    assert request.split.validation == 0.5


def test_features_may_be_named_for_what_is_captured() -> None:
    named = {"from_feedback": {}, "columns": {"features": ["age", "name"]}}

    assert DataRequest.model_validate(named).columns.features == ("age", "name")


def test_feedback_has_its_times_and_needs_no_column_for_them() -> None:
    assert DataRequest.model_validate({"from_feedback": {}, "split": {"by": "time"}}).from_feedback


@pytest.mark.parametrize(
    ("told", "kept", "at"),
    [
        ("", "", None),
        ("30d", "30d", NOW - 30 * 86_400),
        ("45m", "45m", NOW - 45 * 60),
        ("1970-01-02", "1970-01-02T00:00:00+00:00", 86_400.0),
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00+00:00", 0.0),
        (90, "1970-01-01T00:01:30+00:00", 90.0),
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00+00:00", 0.0),
    ],
    ids=["none", "days", "minutes", "date", "zone", "number", "datetime"],
)
def test_a_moment_is_told_in_several_ways(told: Any, kept: str, at: float | None) -> None:
    asked = FromFeedback(since=told)

    assert asked.since == kept
    assert seconds(asked.since, NOW) == at
    assert FromFeedback.model_validate(asked.model_dump(mode="json")) == asked


def test_an_evaluation_is_asked_for_the_same_rows_without_a_split() -> None:
    assert LabelledData(file="rows.csv").file
    with pytest.raises(ValidationError):
        LabelledData.model_validate({"file": "rows.csv", "split": {}})
