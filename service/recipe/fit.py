"""What `model.fit` is told: how long, in which portions, in which order."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from service.recipe.compiling import ClassWeight, class_weight_in_few_words
from service.recipe.strict import Epochs, Recipe, Verbose

BATCH_SIZE = 32
BatchSize = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


# Arguments of `model.fit` that a request says elsewhere.
ELSEWHERE = {
    "validation_split": "give data.split.validation",
    "validation_data": "give data.validation_file, or data.split.validation",
    "sample_weight": "name the column in data.columns.weight",
    "callbacks": "they stand beside fit: callbacks",
    "initial_epoch": "a job that goes on knows its epoch",
    "steps_per_epoch": "an epoch goes through all rows",
}


class Fit(Recipe):
    """Arguments of `model.fit`, with its names and defaults.

    `seed` is that of everything that is drawn: the order of rows, fresh weights, dropout. With
    the same seed and data, the same weights come out. `validation_freq` is every how many epochs
    the validation rows are looked at, or in which ones, counted from 1.
    """

    epochs: Epochs = Field(default=1, description="How often all rows are gone through")
    batch_size: BatchSize = Field(
        default=BATCH_SIZE, description="Rows in one step; null, as in Keras, is 32"
    )
    shuffle: bool = Field(default=True, description="Another order of the rows in each epoch")
    seed: Seed = Field(default=0, description="Of order, fresh weights and dropout")
    validation_freq: Epochs | list[Epochs] = Field(  # Keras takes no tuple
        default=1, description="Every how many epochs to validate, or in which, counted from 1"
    )
    validation_batch_size: BatchSize | None = Field(
        default=None, description="Rows in one step of validation; null = batch_size"
    )
    class_weight: ClassWeight | None = Field(
        default=None, description="As in compile, where Keras has it; give it in one place"
    )
    verbose: Verbose | str = Field(
        default="auto", description="Taken for the habit's sake; the job tells how far it is"
    )

    @model_validator(mode="before")
    @classmethod
    def _said_elsewhere(cls, given: Any) -> Any:
        for name, advice in ELSEWHERE.items():
            if isinstance(given, dict) and name in given:
                raise ValueError(f"{name} is not said here: {advice}")
        return given

    @field_validator("batch_size", mode="before")
    @classmethod
    def _null_is_keras_s_default(cls, value: Any) -> Any:
        return BATCH_SIZE if value is None else value

    @field_validator("class_weight", mode="before")
    @classmethod
    def _class_weight(cls, value: Any) -> Any:
        return class_weight_in_few_words(value)

    @field_validator("validation_freq", mode="before")
    @classmethod
    def _validation_freq(cls, value: Any) -> Any:
        """One sentence in the place of one for each form."""
        items = value if isinstance(value, list | tuple) else [value]
        if not items or len(items) > 10_000 or not all(_is_count(item) for item in items):
            raise ValueError("expected a whole number from 1, or a list of them")
        return value

    @field_validator("verbose", mode="before")
    @classmethod
    def _verbose(cls, value: Any) -> Any:
        if value not in (0, 1, 2, "auto"):
            raise ValueError("expected 0, 1, 2 or auto")
        return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100_000
