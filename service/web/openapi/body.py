"""What all described bodies have in common, and how their JSON schemas are written.

The models of this package describe; no request is validated with them. Bodies of predictions are
checked by the protocols' own decoding, which knows the model's signature and is far quicker.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

PLACE = "#/components/schemas/{model}"
ANY_JSON = "A number, a string, true or false, or lists and objects of them"


class Body(BaseModel):
    """A JSON object; more keys than the described ones are allowed, as the protocols say."""

    model_config = ConfigDict(extra="allow")


class ErrorBody(Body):
    """Every error: what was wrong, where, and what was expected."""

    error: str


class AbsentNotNull(GenerateJsonSchema):
    """Writes `X | None = None` as a key that may be absent, which is what the protocols mean.

    `X | None` without a default is a key that is always there and may be null.
    """

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema without a default, which a client need not know, and without null."""
        inner = schema["schema"]
        return self.generate_inner(inner["schema"] if inner["type"] == "nullable" else inner)

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a title would repeat the key."""
        return False


def schemas_of(bodies: list[type[BaseModel]]) -> dict[str, Any]:
    """The JSON schemas of these bodies and of all they refer to, by name."""
    _, written = models_json_schema(
        [(body, "validation") for body in bodies],
        ref_template=PLACE,
        schema_generator=AbsentNotNull,
    )
    definitions: dict[str, Any] = written["$defs"]
    for schema in definitions.values():
        schema.pop("title", None)
        schema.setdefault("description", ANY_JSON)
    return definitions


def reference(body: type[BaseModel]) -> dict[str, str]:
    """Where the body's schema stands in the document."""
    return {"$ref": PLACE.format(model=body.__name__)}
