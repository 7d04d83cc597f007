"""What requests for changes carry: read strictly, with nothing beside it."""

from typing import Annotated, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from service.base.errors import JsonInvalid, RequestInvalid
from service.base.faults import fault_text
from service.base.strict_json import Json, parse_object
from service.repository.audit import WHY_SCHEMA, check_why
from service.repository.labels import HEADER, LABEL

MAX_BYTES = 64 * 1024
MAX_CONTAINERS = 1000
MAX_SHOWN = 60

Version = Annotated[int, Field(ge=1, le=9_999_999_999)]
Label = Annotated[str, Field(pattern=f"^{LABEL.pattern}$")]
Why = Annotated[
    str,
    Field(description="For the audit, in one line", json_schema_extra=WHY_SCHEMA),
    AfterValidator(check_why),
]


class Strict(BaseModel):
    """A JSON object with these keys and no others; an empty body is an empty object."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class WhyBody(Strict):
    """A change, and why it is made."""

    why: Why = ""


class SwapBody(WhyBody):
    """Another version becomes the current one, unless somebody was quicker."""

    expected_current: Version | None = Field(
        None, description="Refuse with 409 if another version is current by then"
    )


class LabelBody(WhyBody):
    """Which version a label stands for."""

    version: Version


class CanaryBody(Strict):
    """A share of the requests that name no version goes to the version with this label."""

    label: Label
    percent: float = Field(gt=0, le=100)
    header: Annotated[str, Field(pattern=f"^{HEADER.pattern}$")] | None = Field(
        None, description="Requests with the same value of this header go the same way"
    )


class TrafficBody(WhyBody):
    """The whole of it: what is left out is taken away."""

    canary: CanaryBody | None = None
    shadow: Label | None = Field(None, description="Its version sees a copy of each request")


class RetireBody(WhyBody):
    """Which versions of a model stay."""

    keep: int = Field(ge=1, le=10_000, description="So many of the highest stay")
    days: float | None = Field(
        None, ge=0, le=36_500, description="Those stay that answered within so many days"
    )
    delete: bool = Field(False, description="Take their files away, too")
    dry_run: bool = Field(False, description="Only tell which ones it would be")


Body = TypeVar("Body", bound=BaseModel)


def read_body(kind: type[Body]) -> Body:
    """The request's body. Raises RequestInvalid, naming each key that is wrong."""
    return validated(kind, read_object())


def read_object() -> Json:
    """The request's body as a JSON object, an empty one if nothing was sent.

    Raises RequestInvalid, JsonInvalid.
    """
    content = request.get_data(cache=False)
    if len(content) > MAX_BYTES:
        raise RequestInvalid(f"the body: expected at most {MAX_BYTES} bytes, got {len(content)}")
    try:
        return parse_object(content, MAX_CONTAINERS) if content.strip() else {}
    except ValueError as error:
        raise JsonInvalid(" ".join(str(error).split())[:200]) from error


def validated(kind: type[Body], record: Json) -> Body:
    """A record as what it is to be. Raises RequestInvalid, naming each key that is wrong."""
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        raise RequestInvalid(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in fault["loc"])[:MAX_SHOWN] or "the body"
        got = "" if fault["type"] == "missing" else f", got {repr(fault['input'])[:MAX_SHOWN]}"
        faults.append(f"{where}: {fault_text(fault)}{got}")
    return "; ".join(faults[:5])
