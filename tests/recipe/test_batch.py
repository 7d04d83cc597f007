"""What a batch prediction may be asked, and what it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.batch import BatchOptions, BatchPredictRequest

PATHS = {"input": "in", "output": "out"}


def test_two_paths_are_enough() -> None:
    request = BatchPredictRequest.model_validate(PATHS)
    assert request.options == BatchOptions()
    assert (request.version, request.shard, request.fresh) == (None, None, False)


def test_options_are_those_of_the_request() -> None:
    told = {"keep": "others", "columns": {"ignore": ["id"]}, "prefix": "p_", "skip_bad": True}
    request = BatchPredictRequest.model_validate({**PATHS, **told, "version": 2})
    assert request.options == BatchOptions.model_validate(told)


@pytest.mark.parametrize(
    "told",
    [
        {"input": ""}, {"output": "/etc"}, {"input": "a/../../b"}, {"keep": "some"},
        {"batch_rows": 0}, {"shard": {"index": 3, "of": 2}}, {"shard": {"index": 0, "of": 2}},
        {"shards": 2}, {"version": 0}, {"format": "npz"}, {"columns": {"features": ["a", "a"]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BatchPredictRequest.model_validate({**PATHS, **told})
