"""The base of all recipes: frozen, and nothing that isn't known."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_SHOWN = 60


class Recipe(BaseModel):
    """A part of what a job is asked: immutable, finite numbers, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _words_are_known(cls, given: Any) -> Any:
        """Pydantic would say that a word is unknown, and not which are expected."""
        known = [field.alias or name for name, field in cls.model_fields.items()]
        words = given if isinstance(given, dict) else {}
        strange = [word for word in words if word not in known and word not in cls.model_fields]
        if strange:
            word = str(strange[0])[:MAX_SHOWN]
            raise ValueError(f"{word!r} is unknown; expected some of {', '.join(known)}")
        return given


Epochs = Annotated[int, Field(ge=1, le=100_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
# Keras takes 0, 1 and 2; what it prints goes to the job's log.
Verbose = Annotated[int, Field(ge=0, le=2)]
MetricName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_./ -]+$")]
