"""The rows of a job: which file or which feedback, its columns, its labels, and its parts."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from service.recipe.strict import Recipe

MAX_COLUMNS = 10_000
AGO = re.compile(r"([1-9][0-9]{0,5})(d|h|m)")
AGO_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
MOMENT = "a time such as 2026-11-30T08:00:00Z, or so long before now: 30d, 12h, 45m"

SplitBy = Literal["hash", "stratified", "time"]
LabelForm = Literal["auto", "names", "indices"]


def check_data_name(name: str) -> str:
    """The name as it is. Raises ValueError for one that leads out of the data folder."""
    parts = PurePosixPath(name).parts
    if not name.isprintable() or "\\" in name or name.startswith("/") or ".." in parts:
        raise ValueError("expected an uploaded file's name, or a path below the data folder")
    return name


def _check_moment(given: Any) -> str:
    """A time as text: `30d` as it is, everything else in ISO 8601 and UTC."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC).isoformat()
        if isinstance(given, str) and (not given or AGO.fullmatch(given)):
            return given
        told = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
        return told.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        raise ValueError(f"expected {MOMENT}") from None


def seconds(moment: str, now: float) -> float | None:
    """A moment in seconds since 1970; none for an empty text."""
    if not moment:
        return None
    ago = AGO.fullmatch(moment)
    if ago:
        return now - timedelta(**{AGO_UNITS[ago[2]]: int(ago[1])}).total_seconds()
    return datetime.fromisoformat(moment).timestamp()


DataName = Annotated[str, Field(max_length=1024), AfterValidator(check_data_name)]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
ColumnNames = Annotated[tuple[ColumnName, ...], Field(max_length=MAX_COLUMNS)]
Moment = Annotated[str, BeforeValidator(_check_moment)]
Share = Annotated[float, Field(ge=0, le=0.9, allow_inf_nan=False)]


class FromFeedback(Recipe):
    """Captured inputs of predictions whose true label has arrived."""

    since: Moment = Field(default="", description=f"Predictions from then on: {MOMENT}")
    until: Moment = Field(default="", description="Predictions before then")
    versions: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=1000)] = Field(
        default=(), description="Versions that predicted; empty = all"
    )
    balanced: bool = Field(
        default=False, description="Of each class as many rows as of the rarest one"
    )
    limit: int | None = Field(
        default=None, ge=1, description="Most rows, the newest first; null = all"
    )


class Columns(Recipe):
    """Which columns, or arrays, of a file are what. A file with a header needs none of it."""

    label: ColumnName | ColumnNames = Field(
        default=(),
        description="Label column; several for multilabel data, one a label; "
        "default: y, label, target or class",
    )
    features: ColumnNames = Field(
        default=(),
        description="Feature columns in the order of the model's inputs; the others are left out; "
        "default: every column that is nothing else, in the file's order",
    )
    weight: ColumnName | None = Field(default=None, description="Column of sample weights")
    time: ColumnName | None = Field(
        default=None, description="Column of times, for a split by time: numbers or ISO 8601"
    )
    ignore: ColumnNames = Field(default=(), description="Columns to leave out, such as an id")

    @property
    def labels(self) -> tuple[str, ...]:
        """The label columns, as many as are named."""
        return (self.label,) if isinstance(self.label, str) else self.label

    @model_validator(mode="after")
    def _each_column_is_one_thing(self) -> Self:
        named = [*self.labels, *self.features, *self.ignore]
        named += [name for name in (self.weight, self.time) if name]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"columns names {twice!r} twice")
        return self


class Split(Recipe):
    """What share of the rows is held back, and which: see `by`.

    `hash`: a row's values say in which part it is, the same in every retrain. `stratified`: in
    each part the classes have the same shares. `time`: the newest rows are held out, those before
    them validate.
    """

    validation: Share = Field(default=0.15, description="Share that validates each epoch")
    held_out: Share = Field(default=0.15, description="Share that no training sees: for the gate")
    by: SplitBy = Field(default="hash", description="hash, stratified or time")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Another seed is another split")


class LabelledData(Recipe):
    """Rows with known labels: of a file, or of predictions whose labels have arrived."""

    file: DataName = Field(
        default="", description="Name of an uploaded file, or a path below the data folder"
    )
    from_feedback: FromFeedback | None = Field(
        default=None, description="Captured inputs whose label has arrived"
    )
    columns: Columns = Field(default=Columns(), description="Which column is what")
    labels: LabelForm = Field(
        default="auto",
        description="What labels are: names of classes, indices from 0, or auto: names first",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.file) == (self.from_feedback is not None):
            raise ValueError("expected exactly one of file and from_feedback")
        return self

    @model_validator(mode="after")
    def _columns_go_with_a_file(self) -> Self:
        """All but `features`, which are the names of an input's numbers for `capture` too."""
        is_said = self.columns != Columns(features=self.columns.features)
        if self.from_feedback is not None and is_said:
            raise ValueError(
                "columns.label, weight, time and ignore go with file; what from_feedback has are "
                "inputs and labels"
            )
        return self


class DataRequest(LabelledData):
    """The rows of a retrain: to learn from, to validate with, and held out for the gate."""

    split: Split = Field(default=Split(), description="Which rows are held back")
    validation_file: DataName = Field(
        default="", description="A file of its own to validate with; split.validation is unused"
    )
    held_out_file: DataName = Field(
        default="", description="A file of its own for the gate; split.held_out is unused"
    )

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        validation = 0 if self.validation_file else self.split.validation
        held_out = 0 if self.held_out_file else self.split.held_out
        if validation + held_out > 0.9:
            raise ValueError(
                "split.validation and split.held_out take more than 0.9 of the rows together"
            )
        return self

    @model_validator(mode="after")
    def _time_is_there(self) -> Self:
        if self.split.by == "time" and self.file and self.columns.time is None:
            raise ValueError("split by time needs columns.time: the column of times")
        return self

    @model_validator(mode="after")
    def _files_go_with_a_file(self) -> Self:
        if self.from_feedback is not None and (self.validation_file or self.held_out_file):
            raise ValueError(
                "validation_file and held_out_file go with file; from_feedback is divided by split"
            )
        return self
