"""Learning rates by epoch, as a declaration: table, step, exponential, cosine; with warm-up.

Epochs count from 0, as in Keras' LearningRateScheduler. Where no rate is given to begin with, it is
the optimizer's.
"""

import bisect
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from service.base.faults import fault_text
from service.recipe.strict import Epochs, Recipe

Rate = Annotated[float, Field(gt=0, le=1e6)]
Floor = Annotated[float, Field(ge=0, le=1e6)]
EpochIndex = Annotated[int, Field(ge=0, le=100_000)]
KINDS = "table, step, exponential, cosine"


class _WarmedUp(Recipe):
    """`warmup_epochs` epochs lead in a straight line from `warmup_from` to the first rate."""

    warmup_epochs: EpochIndex = 0
    warmup_from: Floor = 0.0


class Table(_WarmedUp):
    """The rate from each named epoch on: `{"0": 0.01, "10": 0.001}`."""

    kind: Literal["table"]
    values: Annotated[dict[EpochIndex, Rate], Field(min_length=1, max_length=10_000)]


class Step(_WarmedUp):
    """Multiplied by `drop` every so many epochs."""

    kind: Literal["step"]
    initial_learning_rate: Rate | None = None
    drop: Annotated[float, Field(gt=0, lt=1)] = 0.5
    epochs_drop: Epochs = 10


class Exponential(_WarmedUp):
    """Times `decay_rate ** (epoch / decay_epochs)`; in whole steps if `staircase`."""

    kind: Literal["exponential"]
    initial_learning_rate: Rate | None = None
    decay_rate: Annotated[float, Field(gt=0, le=1)] = 0.96
    decay_epochs: Epochs = 1
    staircase: bool = False


class Cosine(_WarmedUp):
    """Along a cosine down to `alpha` times the first rate; null = over all epochs of the fit."""

    kind: Literal["cosine"]
    initial_learning_rate: Rate | None = None
    decay_epochs: Epochs | None = None
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.0


Schedule = Annotated[Table | Step | Exponential | Cosine, Field(discriminator="kind")]
FORMS: dict[str, type[BaseModel]] = {
    "table": Table, "step": Step, "exponential": Exponential, "cosine": Cosine,
}  # fmt: skip


def schedule_in_few_words(value: Any) -> Any:
    """Read a schedule, or a bare table `{"0": 0.01, ...}`. Raises ValueError with one sentence."""
    if isinstance(value, BaseModel):
        return value
    if isinstance(value, dict) and value and all(str(key).isdecimal() for key in value):
        value = {"kind": "table", "values": value}
    form = FORMS.get(str(value.get("kind"))) if isinstance(value, dict) else None
    if form is None:
        raise ValueError(f'expected {{"kind": one of {KINDS}, ...}}; code is never taken')
    try:
        return form.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ValueError(f"{where}: {fault_text(fault)}".removeprefix(": ")) from None


def rate_at(schedule: Schedule, epoch: int, own_rate: float, epochs: int) -> float:
    """The learning rate of an epoch; `own_rate` is the one that the optimizer began with."""
    warmup = schedule.warmup_epochs
    if epoch < warmup:
        target = _rate_after(schedule, 0, own_rate, epochs)
        share = (epoch + 1) / (warmup + 1)
        return schedule.warmup_from + (target - schedule.warmup_from) * share
    return _rate_after(schedule, epoch - warmup, own_rate, max(epochs - warmup, 1))


def _rate_after(schedule: Schedule, epoch: int, own_rate: float, epochs: int) -> float:
    """The rate so many epochs after the warm-up."""
    if isinstance(schedule, Table):
        starts = sorted(schedule.values)
        at = bisect.bisect_right(starts, epoch)
        return own_rate if at == 0 else schedule.values[starts[at - 1]]
    first = own_rate if schedule.initial_learning_rate is None else schedule.initial_learning_rate
    if isinstance(schedule, Step):
        return first * schedule.drop ** (epoch // schedule.epochs_drop)
    if isinstance(schedule, Exponential):
        passed = epoch / schedule.decay_epochs
        return first * schedule.decay_rate ** (math.floor(passed) if schedule.staircase else passed)
    length = schedule.decay_epochs or epochs
    wave = 0.5 * (1 + math.cos(math.pi * min(epoch, length) / length))
    return first * ((1 - schedule.alpha) * wave + schedule.alpha)
