"""The callbacks of a fit, by Keras' own names and with its arguments and defaults."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from service.recipe.checkpoint_path import check_path, is_by_batch, names_in
from service.recipe.schedule import Schedule, schedule_in_few_words
from service.recipe.strict import Count, MetricName, Positive, Recipe, Verbose

Mode = Literal["auto", "min", "max"]
MAX_CHECKPOINTS = 8
BATCH_NUMBER = re.compile(r"[0-9]{1,9}")
Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]


def epoch_or_batches(value: Any) -> Any:
    """Check a `save_freq`. Raises ValueError with one sentence."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if value != "epoch" and not is_count:
        raise ValueError("expected epoch, or a whole number of batches from 1")
    return value


class Monitor(Recipe):
    """What all have that look at a metric; `acc` and `val_acc` are read as `accuracy`."""

    monitor: MetricName = Field(default="val_loss", description="Metric that is looked at")
    mode: Mode = Field(default="auto", description="Whether more or less of it is better")
    verbose: Verbose = Field(default=0, description="1 = tell it in the job's log")

    @property
    def watched(self) -> str:
        """The metric under the name that Keras 3 has for it."""
        return {"acc": "accuracy", "val_acc": "val_accuracy"}.get(self.monitor, self.monitor)


class ModelCheckpointArguments(Monitor):
    """Keep the model, or its weights, at the end of epochs or every so many batches.

    With `save_best_only` the best one is what the candidate is made of.
    """

    filepath: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        default="{epoch:02d}.keras", description="File in the job's checkpoints; any style"
    )
    save_best_only: bool = Field(default=False, description="Only when the metric got better")
    save_weights_only: bool = Field(default=False, description="Weights without the architecture")
    save_freq: Literal["epoch"] | Positive = Field(
        default="epoch", description="epoch, or every how many batches"
    )
    initial_value_threshold: float | None = Field(
        default=None, description="The metric must be better than this to be kept at all"
    )

    @field_validator("filepath")
    @classmethod
    def _stays_in_its_folder(cls, value: str) -> str:
        check_path(value)
        return value

    @field_validator("save_freq", mode="before")
    @classmethod
    def _save_freq(cls, value: Any) -> Any:
        return epoch_or_batches(value)

    @model_validator(mode="after")
    def _best_of_epochs(self) -> Self:
        if self.save_best_only and self.save_freq != "epoch" and "val_" in self.monitor:
            raise ValueError(
                f"save_best_only with save_freq {self.save_freq} can't monitor {self.monitor}, "
                "which is known at the end of an epoch only"
            )
        return self

    @model_validator(mode="after")
    def _its_name_is_known_by_then(self) -> Self:
        if self.save_freq == "epoch" and is_by_batch(self.filepath):
            raise ValueError("filepath has {batch}, which goes with a number as save_freq")
        late = [name for name in names_in(self.filepath) if name.startswith("val_")]
        if self.save_freq != "epoch" and late:
            raise ValueError(
                f"filepath has {{{late[0]}}}, which is known at the end of an epoch only, "
                f"and save_freq is {self.save_freq}"
            )
        return self


class EarlyStoppingArguments(Monitor):
    """Stop when the metric hasn't got better for so many epochs."""

    min_delta: float = Field(
        default=0, description="Less than this, whatever its sign, is no improvement"
    )
    patience: Count = Field(default=0, description="Epochs without improvement that are borne")
    baseline: float | None = Field(default=None, description="Value that it must be better than")
    restore_best_weights: bool = Field(default=False, description="End with the best epoch's")
    start_from_epoch: Count = Field(default=0, description="Epochs that aren't judged")


class ReduceLROnPlateauArguments(Monitor):
    """Lower the learning rate when the metric hasn't got better for so many epochs."""

    factor: Share = Field(default=0.1, description="By what the rate is multiplied")
    patience: Count = Field(default=10, description="Epochs without improvement that are borne")
    min_delta: float = Field(default=0.0001, description="Less is no improvement")
    cooldown: Count = Field(default=0, description="Epochs to wait after lowering it")
    min_lr: NotNegative = Field(default=0.0, description="The rate never falls below this")


class LearningRateSchedulerArguments(Recipe):
    """Set the learning rate at the beginning of each epoch; a declaration, never code."""

    schedule: Schedule = Field(description="table, step, exponential or cosine; warm-up")
    verbose: Verbose = Field(default=0, description="1 = tell it in the job's log")

    @field_validator("schedule", mode="before")
    @classmethod
    def _schedule(cls, value: Any) -> Any:
        return schedule_in_few_words(value)


class TensorBoardArguments(Recipe):
    """Event files for TensorBoard, in the job's folder `logs`, wherever `log_dir` points."""

    log_dir: Annotated[str, Field(max_length=300)] = Field(
        default="logs", description="Taken for the habit's sake; it is always the job's logs"
    )
    histogram_freq: Count = Field(default=0, description="Epochs between histograms of weights")
    write_graph: bool = Field(default=True, description="Draw the model")
    write_images: bool = Field(default=False, description="Weights as pictures, with histograms")
    write_steps_per_second: bool = Field(default=False, description="How fast training goes")
    update_freq: Literal["epoch", "batch"] | Positive = Field(
        default="epoch", description="epoch, batch, or every how many batches"
    )
    profile_batch: Count | str = Field(
        default=0, description="Taken for the habit's sake; no batch is profiled"
    )
    embeddings_freq: Count = Field(
        default=0, description="Taken for the habit's sake; embeddings aren't written"
    )
    embeddings_metadata: str | dict[str, str] | None = Field(
        default=None, description="Taken for the habit's sake, as embeddings_freq"
    )

    @field_validator("profile_batch", mode="before")
    @classmethod
    def _profile_batch(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        parts = parts if isinstance(parts, list | tuple) else [parts]
        if len(parts) > 2 or not all(BATCH_NUMBER.fullmatch(str(part)) for part in parts):
            raise ValueError("expected the number of a batch, or of a first and a last one")
        return parts[0] if len(parts) == 1 else ",".join(map(str, parts))

    @field_validator("update_freq", mode="before")
    @classmethod
    def _update_freq(cls, value: Any) -> Any:
        is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if value not in ("epoch", "batch") and not is_count:
            raise ValueError("expected epoch, batch, or a whole number of batches from 1")
        return value


class CSVLoggerArguments(Recipe):
    """One line an epoch in the job's `train.csv`, wherever `filename` points."""

    filename: Annotated[str, Field(max_length=300)] = Field(
        default="train.csv", description="Taken for the habit's sake; it is always train.csv"
    )
    separator: Annotated[str, Field(pattern=r"^[\t !#-~]$")] = Field(
        default=",", description="Between the columns; no quotation mark"
    )
    append: bool = Field(default=False, description="A job that goes on always appends")


class TerminateOnNaNArguments(Recipe):
    """Stop at the batch whose loss is no finite number."""

    raise_error: bool = Field(default=False, description="Fail the job instead of ending the fit")


class BackupAndRestoreArguments(Recipe):
    """A job that was interrupted goes on at the epoch where it was; always.

    Its arguments are taken for the habit's sake: every epoch is kept, in the job's folder, until
    the job ends.
    """

    backup_dir: Annotated[str, Field(max_length=300)] = Field(
        default="backup", description="It is always the job's backup"
    )
    save_freq: Literal["epoch"] | Positive = Field(
        default="epoch", description="It is always every epoch"
    )
    double_checkpoint: bool = Field(default=False, description="The last two are always kept")
    delete_checkpoint: bool = Field(default=True, description="They go with the job's folder")

    @field_validator("save_freq", mode="before")
    @classmethod
    def _save_freq(cls, value: Any) -> Any:
        return epoch_or_batches(value)


class Callbacks(Recipe):
    """Which callbacks there are: `{"EarlyStopping": {"patience": 3}, "CSVLogger": true}`.

    `true` is a callback with its defaults, `false` or null is none. TensorBoard and TerminateOnNaN
    are there unless they are false; BackupAndRestore always is. ModelCheckpoint may be a list.
    """

    ModelCheckpoint: tuple[ModelCheckpointArguments, ...] = ()
    EarlyStopping: EarlyStoppingArguments | None = None
    LearningRateScheduler: LearningRateSchedulerArguments | None = None
    ReduceLROnPlateau: ReduceLROnPlateauArguments | None = None
    TensorBoard: TensorBoardArguments | None = TensorBoardArguments()
    CSVLogger: CSVLoggerArguments | None = None
    TerminateOnNaN: TerminateOnNaNArguments | None = TerminateOnNaNArguments()
    BackupAndRestore: BackupAndRestoreArguments = BackupAndRestoreArguments()

    @model_validator(mode="before")
    @classmethod
    def _true_and_false(cls, given: Any) -> Any:
        return {key: _switched(item) for key, item in callbacks_by_name(given).items()}

    @field_validator("ModelCheckpoint", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        items = () if value is None else value if isinstance(value, list | tuple) else (value,)
        if len(items) > MAX_CHECKPOINTS:
            raise ValueError(f"expected at most {MAX_CHECKPOINTS} of them")
        return tuple({} if item is True else item for item in items)

    @field_validator("BackupAndRestore", mode="before")
    @classmethod
    def _always(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("it can't be switched off: an interrupted job must be able to go on")
        return value

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if self.LearningRateScheduler and self.ReduceLROnPlateau:
            raise ValueError(
                "LearningRateScheduler sets the rate that ReduceLROnPlateau lowers; use one of them"
            )
        return self


def callbacks_by_name(given: Any) -> dict[str, Any]:
    """The callbacks by name, also where they are a list as `model.fit` takes it.

    In a list each is a name, or has its name as `class_name` with its `config`.
    """
    if isinstance(given, dict):
        return given
    if isinstance(given, Callbacks):
        return dict(given)
    if not isinstance(given, list | tuple) or len(given) > 2 * MAX_CHECKPOINTS:
        raise ValueError('expected {"EarlyStopping": {"patience": 3}, ...}')
    named: dict[str, Any] = {}
    for item in given:
        name, arguments = _listed(item)
        if name == "ModelCheckpoint":
            named[name] = (*named.get(name, ()), arguments)
        elif name in named:
            raise ValueError(f"{name} is there twice")
        else:
            named[name] = arguments
    return named


def _switched(value: Any) -> Any:
    if value is True:
        return {}
    return None if value is False else value


def _listed(item: Any) -> tuple[str, Any]:
    if isinstance(item, str):
        return item, {}
    if isinstance(item, dict) and isinstance(item.get("class_name"), str):
        rest = {key: value for key, value in item.items() if key != "class_name"}
        config = rest.pop("config", None)
        return item["class_name"], rest if config is None else config
    raise ValueError('in a list each callback is a name, or {"class_name": ..., "config": {...}}')
