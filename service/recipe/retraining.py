"""The section `retrain` of model.yaml: defaults of requests, schedule, webhook, rollback."""

import re
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from service.base.strict_json import Json
from service.recipe.callbacks import Callbacks, callbacks_by_name
from service.recipe.compiling import Compile
from service.recipe.data import DataRequest
from service.recipe.fit import Fit
from service.recipe.gate import Gate, Metric
from service.recipe.init import Init
from service.recipe.retrain import Priority, Promote, RetrainRequest
from service.recipe.strict import Positive, Recipe

CRON = re.compile(r"^[0-9A-Za-z*/,#-]{1,100}$")
# Parts of a request that exclude each other: given anew, they are given whole.
WHOLE = frozenset({"data", "init"})
# Said once for a model, never in a request.
OF_THE_MODEL = frozenset({"schedule", "webhook", "rollback"})
SET_THE_RATE = ("LearningRateScheduler", "ReduceLROnPlateau")
NICKNAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
}  # fmt: skip


class Rollback(Recipe):
    """When a promoted candidate makes way for its predecessor again, by live labels.

    It does once `metric` is worse by more than `max_drop` than the predecessor's was, on at least
    `min_rows` labelled predictions of each, within `within_hours` of the promotion. `metric` is by
    default the gate's.
    """

    metric: Metric | None = None
    max_drop: Annotated[float, Field(ge=0)] = 0.02
    min_rows: Positive = 50
    within_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 168
    significance: Annotated[float, Field(gt=0, lt=1)] | None = None


class Retraining(Recipe):
    """Defaults of every retrain of the model; a request's own words go before them.

    `schedule` is a line of cron, in UTC, or one such as `@daily`; what it starts is asked with the
    defaults alone, so `data` must be among them. `webhook` is told of each job of the model that
    has ended.
    """

    data: DataRequest | None = None
    init: Init | None = None
    compile: Compile | None = None
    fit: Fit | None = None
    callbacks: Callbacks | None = None
    gate: Gate | None = None
    promote: Promote | None = None
    priority: Priority | None = None
    schedule: str = ""
    webhook: Annotated[str, Field(max_length=2000)] = ""
    rollback: Rollback | None = None

    @field_validator("rollback", mode="before")
    @classmethod
    def _true_is_the_default_rule(cls, value: Any) -> Any:
        return {} if value is True else None if value is False else value

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        fields = value.split()
        is_cron = len(fields) == 5 and all(CRON.match(field) for field in fields)
        if value and not is_cron and value not in NICKNAMES:
            raise ValueError(
                'expected five fields of cron such as "0 3 * * 1" (minute, hour, day, month, '
                f"day of the week), or one of {', '.join(NICKNAMES)}"
            )
        return value

    @field_validator("webhook")
    @classmethod
    def _is_url(cls, value: str) -> str:
        told = urlsplit(value)
        is_url = told.scheme in ("http", "https") and told.hostname
        if value and not (is_url and value.isprintable()):
            raise ValueError("expected a URL that begins with http:// or https://")
        return value

    @model_validator(mode="after")
    def _a_schedule_needs_data(self) -> Self:
        if self.schedule and self.data is None:
            raise ValueError(
                "schedule needs data: which rows a retrain learns from that nobody asked for"
            )
        return self


def cron_line(schedule: str) -> str:
    """The five fields that a schedule stands for."""
    return NICKNAMES.get(schedule, schedule)


def with_defaults(body: Json, section: Retraining | None) -> Json:
    """What was asked, over the defaults of model.yaml; not yet checked as a RetrainRequest.

    A part such as `compile` is mixed key by key, and of `callbacks` each one argument by argument;
    `data` and `init` are taken whole.
    """
    if section is None:
        return dict(body)
    defaults = section.model_dump(mode="json", exclude_unset=True, exclude=set(OF_THE_MODEL))
    merged: Json = {key: value for key, value in defaults.items() if value is not None}
    _make_way(merged, body)
    for key, value in body.items():
        known = merged.get(key)
        if key == "callbacks" and isinstance(known, dict):
            value = _mixed_callbacks(known, value)
        elif key not in WHOLE and isinstance(known, dict) and isinstance(value, dict):
            value = {**known, **value}
        merged[key] = value
    return merged


def _mixed_callbacks(known: Json, asked: Any) -> Any:
    """In any of the forms in which they may be asked for; what is none is left to be refused."""
    try:
        named = callbacks_by_name(asked)
    except ValueError:
        return asked
    mixed = {**known, **named}
    for name, arguments in named.items():
        if isinstance(known.get(name), dict) and (arguments is True or isinstance(arguments, dict)):
            mixed[name] = {**known[name], **_object(arguments)}
    for one, other in (SET_THE_RATE, SET_THE_RATE[::-1]):
        if named.get(one) not in (None, False) and other not in named:
            mixed.pop(other, None)  # with both the request would be refused
    return mixed


def _make_way(defaults: Json, body: Json) -> None:
    """Take out what the request has in the other of two places, which would be refused."""
    ours, asked = defaults.get("compile", {}), _object(body.get("compile"))
    if asked.get("learning_rate") is not None:
        _object(_object(ours.get("optimizer")).get("config")).pop("learning_rate", None)
    optimizer = _object(asked.get("optimizer"))
    if "learning_rate" in {**optimizer, **_object(optimizer.get("config"))}:
        ours.pop("learning_rate", None)
    for here, there in (("compile", "fit"), ("fit", "compile")):
        if _object(body.get(here)).get("class_weight") is not None:
            defaults.get(there, {}).pop("class_weight", None)


def _object(value: Any) -> Json:
    """What isn't checked yet may be anything."""
    return value if isinstance(value, dict) else {}


def scheduled_request(section: Retraining) -> RetrainRequest:
    """What a schedule asks: the defaults alone. Raises pydantic's ValidationError."""
    return RetrainRequest.model_validate(with_defaults({}, section))
