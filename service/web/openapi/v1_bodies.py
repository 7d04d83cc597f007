"""Bodies of version 1: TensorFlow Serving's, with KServe's keys and our own beside them."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from service.web.openapi.admin_bodies import RouteAnswer, WorkerVersion
from service.web.openapi.body import Body

Count = Annotated[int, Field(ge=0)]
PredictionId = Annotated[
    str, Field(description="For the true label, once it is known; row n is `<prediction_id>/n`")
]


class RowRequest(Body):
    """Row form: one element for each instance."""

    instances: Annotated[list[JsonValue], Field(min_length=1)] = Field(
        description="A value or nested list each; an object by input name for several inputs. "
        'Bytes are written {"b64": "..."}.'
    )
    signature_name: str | None = Field(None, description="serving_default, or left out")


class ColumnRequest(Body):
    """Column form: whole tensors."""

    inputs: JsonValue = Field(description="One tensor, or an object of tensors by input name")
    signature_name: str | None = Field(None, description="serving_default, or left out")


class Decision(Body):
    """What the model says of one instance."""

    class_index: Count
    label: str | None = Field(None, description="The class's name; absent where there are none")
    score: float = Field(description="The chosen class's own number")
    margin: float = Field(description="Its lead over the second best class")


class Choice(Body):
    """Which labels the model says one instance has, of a model that gives several at once."""

    class_indices: list[Count]
    labels: list[str] | None = Field(None, description="Their names; absent where there are none")
    scores: list[float] = Field(description="Their own numbers")


class RowAnswer(Body):
    """Predictions in row form; everything but `predictions` can be switched off."""

    predictions: list[JsonValue]
    decisions: list[Decision] | list[Choice] | None = None
    model_version: str | None = None
    prediction_id: PredictionId | None = None


class ColumnAnswer(Body):
    """Predictions in column form; everything but `outputs` can be switched off."""

    outputs: JsonValue
    decisions: list[Decision] | list[Choice] | None = None
    model_version: str | None = None
    prediction_id: PredictionId | None = None


class ExamplesRequest(Body):
    """Instances as flat objects of features."""

    examples: Annotated[list[dict[str, JsonValue]], Field(min_length=1)] = Field(
        description="A feature is a scalar or a flat list of one kind"
    )
    context: dict[str, JsonValue] | None = Field(None, description="Features of every example")
    signature_name: str | None = Field(None, description="serving_default, or left out")


class ClassifyAnswer(Body):
    """For each example the classes, each with its label and its score."""

    results: list[list[Annotated[list[str | float], Field(min_length=2, max_length=2)]]]
    prediction_id: PredictionId | None = None


class RegressAnswer(Body):
    """For each example its number."""

    results: list[float]
    prediction_id: PredictionId | None = None


class StatusCode(Body):
    """Why a version is in its state."""

    error_code: str
    error_message: str


class VersionStatus(Body):
    """One version in TensorFlow Serving's words."""

    version: str
    state: Literal["UNKNOWN", "START", "LOADING", "AVAILABLE", "UNLOADING", "END"]
    status: StatusCode


class VersionTraining(Body):
    """How a job has made a version, and what it scored."""

    job: str | None
    description: str | None
    data_sha256: str | None
    rows: int | None
    epochs_run: int | None
    best_epoch: int | None
    scores: list[dict[str, JsonValue]]


class Lineage(Body):
    """Where a version comes from, as its manifest tells."""

    parent: int | None = Field(description="The version that it was made from")
    at: str
    by: str
    why: str
    sha256: str
    training: VersionTraining | None


class VersionRecord(Body):
    """One version in our own words."""

    model: str
    version: int
    state: Literal["DISCOVERED", "COMPILING", "READY", "FAILED", "RETIRED"]
    reason: str
    served: bool = Field(description="To be loaded, and answers requests that ask for it")
    current: bool = Field(description="Answers requests that name no version")
    loaded: bool = Field(description="By the worker that answers this")
    retired: bool = Field(description="Not served, though its files are there")
    labels: list[str] = Field(description="Those that stand for it")
    classes: list[str] = Field(description="Names of the classes, from model.yaml")
    artefact: str
    last_used: str | None = Field(description="When it answered last, in ISO 8601")
    workers: list[WorkerVersion] | None = Field(None, description="In the status of one model")
    lineage: Lineage | None = Field(None, description="In the status of one model, if known")


class StatusAnswer(Body):
    """The versions of one model; 200 says nothing of whether one is available."""

    model_version_status: list[VersionStatus]
    name: str | None = None
    ready: bool | None = None
    route: RouteAnswer | None = None
    versions: list[VersionRecord] | None = None
    swaps: int | None = Field(None, description="How often another version became current")


class ModelsAnswer(Body):
    """Every model and every version."""

    models: list[str]
    versions: list[VersionRecord] | None = None


class Dimension(Body):
    """One axis; a free one has size -1."""

    size: str
    name: str


class TensorShape(Body):
    """All axes, the batch axis first."""

    dim: list[Dimension]
    unknown_rank: bool


class TensorInfo(Body):
    """One input or output."""

    dtype: str
    tensor_shape: TensorShape
    name: str


class SignatureDefinition(Body):
    """All inputs and outputs by name."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    method_name: str


class SignatureDefinitions(Body):
    """By signature name."""

    signature_def: dict[str, SignatureDefinition]


class MetadataMap(Body):
    """The one kind of metadata there is."""

    signature_def: SignatureDefinitions


class ModelSpec(Body):
    """Which version answered."""

    name: str
    signature_name: str
    version: str


class MetadataAnswer(Body):
    """A model's signature, as TensorFlow Serving prints it."""

    model_spec: ModelSpec
    metadata: MetadataMap


class SampleAnswer(Body):
    """A ready request for one model, in several languages."""

    model: str
    version: str
    request: RowRequest | None = Field(None, description="Absent for very large inputs")
    v2_request: dict[str, JsonValue] | None = Field(
        None, description="Absent for very large inputs, and for types without a form in JSON"
    )
    curl: str
    python: str
    javascript: str
