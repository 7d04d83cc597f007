"""What a job of the kind batch-predict is asked: a model, files to read, and where answers go."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.recipe.data import Columns, DataName
from service.recipe.evaluation import Version
from service.recipe.strict import Recipe

MAX_SHARDS = 1000
MAX_LABELS = 100_000

TableFormat = Literal["auto", "parquet", "csv", "ndjson"]
Keep = Literal["all", "others", "none"]
Place = Annotated[DataName, Field(min_length=1)]
LabelName = Annotated[str, Field(min_length=1, max_length=200)]


class Shard(Recipe):
    """One of several jobs that share the files between them."""

    index: Annotated[int, Field(ge=1)] = Field(description="Which one, from 1")
    of: Annotated[int, Field(ge=1, le=MAX_SHARDS)] = Field(description="How many there are")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.index > self.of:
            raise ValueError(f"expected an index from 1 to {self.of}")
        return self


class BatchOptions(Recipe):
    """How rows are read, answered and written; other options are another run."""

    format: TableFormat = Field(
        default="auto", description="Of what is written: parquet, csv, ndjson; auto: as it is read"
    )
    columns: Columns = Field(
        default=Columns(), description="Which columns the model takes, and which it doesn't"
    )
    keep: Keep = Field(
        default="all",
        description="Columns that are written again: all; others: those that the model doesn't "
        "take; none",
    )
    label_names: Annotated[tuple[LabelName, ...], Field(max_length=MAX_LABELS)] = Field(
        default=(), description="Names of the classes; default: the labels of model.yaml"
    )
    prefix: Annotated[str, Field(max_length=100)] = Field(
        default="", description="Stands before the names of the columns that are added"
    )
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Rows that are run at once; null = some megabytes of them"
    )
    skip_bad: bool = Field(
        default=False,
        description="Write nulls for rows that can't be predicted, and why in a column error",
    )


class BatchPredictRequest(BatchOptions):
    """Predictions for all rows of a file or a folder of files, below the data folder."""

    input: Place = Field(description="A file, or a folder of files, below the data folder")
    output: Place = Field(description="The file or folder that is written, below the data folder")
    version: Version | None = Field(default=None, description="null = the current one")
    fresh: bool = Field(default=False, description="Begin anew where another run has left files")
    run: Annotated[str, Field(max_length=64)] = Field(
        default="",
        description="A name that the jobs of all shards have in common: they predict the files "
        "that were there when the first of them began",
    )
    shard: Shard | None = Field(default=None, description="Which share of the files; null = all")

    @property
    def options(self) -> BatchOptions:
        """How rows are read, answered and written."""
        return BatchOptions(**{name: getattr(self, name) for name in BatchOptions.model_fields})
