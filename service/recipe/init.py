"""How a training begins: from which weights, what of them is frozen, and under which head."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from service.recipe.data import DataName
from service.recipe.strict import Recipe

MAX_NAME = 256
MAX_PATTERNS = 1000
MAX_CLASSES = 100_000
FREEZE_FORMS = 'expected layer names or patterns, or {"all_but_last": a whole number from 1}'

Start = Literal["weights", "architecture", "file"]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class AllButLast(Recipe):
    """Freeze every layer with weights but the last so many."""

    all_but_last: Annotated[int, Field(ge=1, le=10_000)]


class ReplaceHead(Recipe):
    """Another last layer with fresh weights: one output with sigmoid for two classes, else one a
    class with softmax.
    """

    classes: Annotated[int, Field(ge=2, le=MAX_CLASSES)] = Field(
        description="How many classes the new task has"
    )
    labels: tuple[Name, ...] = Field(
        default=(), description="Names of the classes, in the order of their indices"
    )

    @property
    def outputs(self) -> int:
        """The width of the new last layer."""
        return 1 if self.classes == 2 else self.classes

    @model_validator(mode="after")
    def _labels_name_the_classes(self) -> Self:
        if self.labels and len(self.labels) != self.classes:
            raise ValueError(f"labels names {len(self.labels)} classes, classes is {self.classes}")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels names a class twice")
        return self


class Init(Recipe):
    """What the model is when the first epoch begins.

    `from`: `weights` are those of a version; `architecture` are fresh ones, drawn with the seed;
    `file` lays a weights file over fresh ones, as far as it fits.
    """

    model_config = ConfigDict(validate_by_name=True)

    start: Start = Field(
        default="weights", alias="from", description="weights, architecture or file"
    )
    version: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Version to begin with; null = the current one"
    )
    weights_file: DataName = Field(
        default="",
        description="For from: file. An .h5, .hdf5, .weights.h5, .keras or TensorFlow checkpoint "
        "below the data folder, or uploaded: a checkpoint as one .zip of its files",
    )
    freeze: tuple[Name, ...] | AllButLast | None = Field(
        default=None,
        description="Layers that don't learn, by name or pattern (conv*), or all_but_last; "
        "null = those that the version's file has frozen",
    )
    replace_head: ReplaceHead | None = Field(
        default=None, description="Another last layer, for another number of classes"
    )

    @field_validator("freeze", mode="before")
    @classmethod
    def _freeze_in_few_words(cls, value: Any) -> Any:
        """One sentence in the place of one for each form."""
        if value is None or isinstance(value, AllButLast):
            return value
        if isinstance(value, dict) and set(value) == {"all_but_last"}:
            count = value["all_but_last"]
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000:
                raise ValueError(FREEZE_FORMS)
            return AllButLast(all_but_last=count)
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(map(_is_name, names)):
            raise ValueError(FREEZE_FORMS)
        if len(names) > MAX_PATTERNS:
            raise ValueError(f"expected at most {MAX_PATTERNS} names")
        return tuple(names)

    @model_validator(mode="after")
    def _a_file_is_named_where_one_is_asked_for(self) -> Self:
        if self.start == "file" and not self.weights_file:
            raise ValueError("from file needs weights_file")
        if self.start != "file" and self.weights_file:
            raise ValueError('weights_file is read with "from": "file" only')
        return self


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_NAME
