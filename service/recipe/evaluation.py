"""What a job of the kind evaluate is asked: versions, and data with known labels."""

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from service.base.faults import fault_text
from service.recipe.compiling import Compile, Named
from service.recipe.data import LabelledData
from service.recipe.strict import Recipe

MAX_VERSIONS = 20

Version = Annotated[int, Field(ge=1)]
DatasetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class EvaluateRequest(Recipe):
    """Versions of one model on the same rows; they are compared with the first of them."""

    data: LabelledData = Field(description="Rows with known labels")
    versions: Annotated[tuple[Version, ...], Field(max_length=MAX_VERSIONS)] = Field(
        default=(), description="Versions to be evaluated; empty = the current one"
    )
    dataset: DatasetName = Field(
        default="test", description="What the data is for: train, validation, test or another name"
    )
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=256, description="Rows that are run at once"
    )
    loss: Named | None = Field(
        default=None, description="Name, or name and arguments; null = the file's, else by output"
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _loss_is_known(cls, value: Any) -> Any:
        try:
            return Compile(loss=value).loss
        except ValidationError as error:
            raise ValueError(fault_text(error.errors()[0])) from None

    @model_validator(mode="after")
    def _each_version_once(self) -> Self:
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("versions names a version twice")
        return self
