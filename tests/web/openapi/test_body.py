"""How bodies become JSON schemas."""

from typing import Annotated

import pytest
from pydantic import Field, JsonValue, ValidationError

from service.web.openapi import examples
from service.web.openapi.body import Body, ErrorBody, schemas_of
from service.web.openapi.v1_bodies import ClassifyAnswer, ExamplesRequest, RowAnswer, RowRequest
from service.web.openapi.v2_bodies import InferAnswer, InferRequest


class Inner(Body):
    """Something inside."""

    size: int


class Outer(Body):
    """Something with everything."""

    inner: Inner
    value: JsonValue
    note: str | None = Field(None, description="A word")
    count: Annotated[int, Field(ge=0)] = 3
    before: int | None


def test_a_key_that_may_be_absent_is_never_null_and_has_no_default() -> None:
    schema = schemas_of([Outer])["Outer"]
    assert schema["properties"]["note"] == {"type": "string", "description": "A word"}
    assert schema["properties"]["count"] == {"type": "integer", "minimum": 0}
    assert schema["properties"]["before"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert schema["required"] == ["inner", "value", "before"]


def test_what_a_body_refers_to_is_there_and_described() -> None:
    schemas = schemas_of([Outer])
    assert schemas["Outer"]["properties"]["inner"] == {"$ref": "#/components/schemas/Inner"}
    assert set(schemas) == {"Outer", "Inner", "JsonValue"}
    assert all(schema["description"] for schema in schemas.values())
    assert not any("title" in schema for schema in schemas.values())


def test_more_keys_are_allowed() -> None:
    assert schemas_of([ErrorBody])["ErrorBody"]["additionalProperties"] is True


def test_the_examples_are_what_the_bodies_say() -> None:
    RowRequest.model_validate(examples.ROW_REQUEST, strict=True)
    RowAnswer.model_validate(examples.ROW_ANSWER, strict=True)
    ExamplesRequest.model_validate(examples.EXAMPLES_REQUEST, strict=True)
    ClassifyAnswer.model_validate(examples.CLASSIFY_ANSWER, strict=True)
    InferRequest.model_validate(examples.INFER_REQUEST, strict=True)
    InferAnswer.model_validate(examples.INFER_ANSWER, strict=True)


def test_an_empty_request_is_none() -> None:
    with pytest.raises(ValidationError):
        RowRequest.model_validate({"instances": []})
