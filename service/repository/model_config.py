"""`model.yaml`: what the operator says of a model that its file doesn't."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from service.base.faults import fault_text
from service.base.load_options import Kernels, LoadOptions, WeightsMode
from service.base.refusals import ModelConfigInvalid
from service.base.sequences import Sequences, sequences_misfit
from service.base.signature import Signature
from service.recipe.retraining import Retraining

CONFIG_NAME = "model.yaml"
MAX_CONFIG_BYTES = 1024 * 1024
# What PyYAML raises on a document; beyond its own errors for tags and dates it can't make sense of.
YAML_FAULTS = (
    yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError,
    RecursionError,
)  # fmt: skip

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# ASCII alone: \w over all scripts, 200 times, takes pydantic's regex engine 12 MB a process.
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,199}$")]
# Control characters, and halves of characters: no database, log or answer takes them.
NOT_IN_A_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
NOT_IN_A_LINE = re.compile(f"{NOT_IN_A_TEXT.pattern}|[\t\n]")


def _check_text(text: str) -> str:
    if NOT_IN_A_TEXT.search(text):
        raise ValueError("expected no control characters but tabs and ends of lines")
    return text


def _check_line(text: str) -> str:
    if NOT_IN_A_LINE.search(text):
        raise ValueError("expected one line without control characters")
    return text


Text = Annotated[str, Field(max_length=10_000), AfterValidator(_check_text)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_check_line)]
Label = Annotated[Line, Field(min_length=1)]
# As in the bodies of requests: what every database holds as a number.
MOST = 9_999_999_999
Number = Annotated[int, Field(ge=1, le=MOST)]
Version = Annotated[int, Field(ge=1, le=MOST, strict=True)]
Amount = Annotated[float, Field(gt=0, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them multiply into gigabytes. And without sets, whose
    order is another in every process: labels have one.
    """

    yaml_constructors: ClassVar[Any] = {
        **yaml.SafeLoader.yaml_constructors,
        "tag:yaml.org,2002:set": yaml.SafeLoader.construct_undefined,
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


class Batching(BaseModel):
    """How requests are gathered into one run.

    `auto` batches where a measurement at loading says that it pays. `max_wait_ms` is an artificial
    delay, for models whose callers would rather wait than have the machine work more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["auto", "on", "off"] = "auto"
    max_batch_size: Annotated[int, Field(ge=1, le=65536)] = 32
    max_wait_ms: Annotated[float, Field(ge=0, le=1000)] = 0


class Feedback(BaseModel):
    """How long after a prediction its true label is still taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_days: Annotated[float, Field(gt=0, le=3650)] = 30


class Capture(BaseModel):
    """Which share of predictions have their inputs kept, for how long, and what of them isn't.

    `drop` has names of inputs, or `name[3]` for one number of an input, from 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fraction: Annotated[float, Field(ge=0, le=1)] = 0
    retention_days: Annotated[float, Field(gt=0, le=3650)] = 30
    drop: tuple[Label, ...] = ()


class Latest(BaseModel):
    """The so many highest versions that are READY."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latest: Version


class Specific(BaseModel):
    """These versions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specific: Annotated[tuple[Version, ...], Field(min_length=1)]


VersionPolicy = Literal["all"] | Latest | Specific


class ModelConfig(BaseModel):
    """The words of `model.yaml`; without the file every field has its default.

    `task` is found out from the model's output where it isn't given. `labels` name the classes by
    index; a binary model with one sigmoid output has two, the second is the positive one.
    `threshold` is the probability from which that one is decided for, or each label of a multilabel
    model; `thresholds` has those of single labels.

    `version_policy` says which versions are loaded: `all`, `{latest: N}` or `{specific: [1, 3]}`.
    `version_labels` gives versions names that requests may ask for. `max_rows`, `max_body_mb` and
    `timeout_ms` are limits of one request, below those of the settings. `allow_non_finite` lets NaN
    and infinities in and out. `batching` says how requests are gathered, `feedback` for how long
    labels are taken, `capture` which inputs are kept for retraining. `sequences` says how sequences
    of different lengths are padded, `retrain` what retrains of the model have as defaults, and when
    they are due.

    The last five say how the files are to be opened: see `LoadOptions`. `allow_lambda` names, by
    version, the sha256 of the one file whose Lambda code the operator vouches for. `custom_objects`
    chooses among the modules of the setting of that name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    description: Text = ""
    task: Literal["binary", "multiclass", "multilabel", "regression"] | None = None
    labels: tuple[Label, ...] = ()
    threshold: Share = 0.5
    thresholds: dict[Label, Share] = Field(default_factory=dict)
    version_policy: VersionPolicy = Latest(latest=1)
    version_labels: dict[Label, Number] = Field(default_factory=dict)
    max_rows: Number | None = None
    max_body_mb: Amount | None = None
    timeout_ms: Amount | None = None
    allow_non_finite: bool = False
    batching: Batching = Batching()
    feedback: Feedback = Feedback()
    capture: Capture = Capture()
    retrain: Retraining | None = None
    sequences: Sequences | None = None
    weights: WeightsMode = "strict"
    theano_kernels: Kernels = "auto"
    signature: Line = ""
    allow_lambda: dict[Number, Sha256] = Field(default_factory=dict)
    custom_objects: tuple[ModuleName, ...] = ()

    def load_options(self, version: int) -> LoadOptions:
        """How the files of a version are to be opened, as far as this file says it."""
        return LoadOptions(
            weights=self.weights,
            theano_kernels=self.theano_kernels,
            signature=self.signature,
            allow_lambda=self.allow_lambda.get(version, ""),
            custom_objects=self.custom_objects,
            custom_only=bool(self.custom_objects),
        )

    def thresholds_of(self, width: int) -> tuple[float, ...]:
        """The threshold of each of so many labels."""
        named = (self.thresholds.get(label, self.threshold) for label in self.labels)
        return tuple(named) if self.labels else (self.threshold,) * width

    @field_validator("version_policy", mode="wrap")
    @classmethod
    def _policy_in_few_words(
        cls, value: object, check: ValidatorFunctionWrapHandler
    ) -> VersionPolicy:
        """One message instead of one for each of the forms."""
        try:
            policy: VersionPolicy = check(value)
        except ValidationError:
            raise ValueError(
                f"expected all, {{latest: N}} or {{specific: [N, ...]}} with N from 1 to {MOST}"
            ) from None
        return policy

    @model_validator(mode="after")
    def _labels_make_sense(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        if self.task == "binary" and self.labels and len(self.labels) != 2:
            raise ValueError("task binary needs exactly two labels: negative, positive")
        if self.task == "regression" and self.labels:
            raise ValueError("task regression has no labels")
        unknown = sorted(self.thresholds.keys() - set(self.labels))
        if unknown:
            raise ValueError(f"thresholds names {unknown[0]!r}, which is none of the labels")
        if self.thresholds and self.task not in (None, "multilabel"):
            raise ValueError(f"task {self.task} has one threshold; thresholds are for multilabel")
        return self


def misfit(config: ModelConfig, signature: Signature) -> str:
    """Why the configuration doesn't fit a model with this signature; empty when it does."""
    output = signature.outputs[0]
    width = output.shape[1] if len(output.shape) == 2 else None
    if config.task == "binary" and width not in (1, 2, None):
        return f"model.yaml: task binary, but the model has {width} outputs"
    if config.task == "multilabel" and (width or 0) < 2:
        return f"model.yaml: task multilabel needs two labels or more, the output is {output.shape}"
    classes = 2 if width == 1 else width
    if config.labels and classes is not None and len(config.labels) != classes:
        return f"model.yaml: {len(config.labels)} labels, but the model tells {classes} classes"
    return sequences_misfit(config.sequences, signature)


def strange_modules(config: ModelConfig, registered: Collection[str]) -> str:
    """Why the configuration can't be followed: it chooses among the operator's modules, and can't
    have others imported. Empty when it can.
    """
    unknown = sorted(set(config.custom_objects) - set(registered))
    if not unknown:
        return ""
    names = ", ".join(unknown)
    return f"model.yaml: custom_objects names {names}; the setting custom_objects doesn't"


def read_model_config(folder: Path) -> ModelConfig:
    """Read `model.yaml` of a model's folder, or the defaults. Raises ModelConfigInvalid."""
    path = folder / CONFIG_NAME
    try:
        if not path.is_file():
            return ModelConfig()
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ModelConfigInvalid(f"larger than {MAX_CONFIG_BYTES} bytes")
        if not path.resolve().is_relative_to(folder.resolve().parent):
            raise ModelConfigInvalid("is a link that leads out of the repository")
        content = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)  # noqa: S506 (a safe one)
    except yaml.MarkedYAMLError as error:  # without the line itself, which may hold a secret
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ModelConfigInvalid(f"{place}{error.problem}") from error
    except (OSError, *YAML_FAULTS) as error:
        raise ModelConfigInvalid(" ".join(str(error).split())) from error
    if content is None:
        return ModelConfig()
    if not isinstance(content, dict):
        raise ModelConfigInvalid(f"expected keys and values, got {type(content).__name__}")
    try:
        return ModelConfig(**{str(key): value for key, value in content.items()})
    except ValidationError as error:
        raise ModelConfigInvalid(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False):
        where = ".".join(_shown(str(part)) for part in fault["loc"]) or "the whole"
        faults.append(f"{where}: {fault_text(fault)}")
    return "; ".join(faults)


def _shown(key: str) -> str:
    """A key of the file, which may be anything, as a part of one line."""
    return (key if key.isprintable() else ascii(key))[:200]
