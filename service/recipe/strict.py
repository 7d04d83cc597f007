"""The base of all recipes: frozen, and nothing that isn't known."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Recipe(BaseModel):
    """A part of what a job is asked: immutable, finite numbers, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Epochs = Annotated[int, Field(ge=1, le=100_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
# Keras takes 0, 1 and 2; what it prints goes to the job's log.
Verbose = Annotated[int, Field(ge=0, le=2)]
MetricName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_./ -]+$")]
