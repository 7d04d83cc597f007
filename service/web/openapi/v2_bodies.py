"""Bodies of the Open Inference Protocol, version 2."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, RootModel

from service.web.openapi.body import Body

Count = Annotated[int, Field(ge=0)]
Parameters = dict[str, JsonValue]
Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BF16",
    "BYTES",
]


class InferInput(Body):
    """One tensor; its values are in `data` or, in binary form, behind the JSON."""

    name: str
    shape: list[Count]
    datatype: Datatype
    data: list[JsonValue] | None = Field(None, description="Nested or flat, row after row")
    parameters: Parameters | None = Field(None, description="binary_data_size")


class WantedOutput(Body):
    """An output that is asked for."""

    name: str
    parameters: Parameters | None = Field(None, description="binary_data, classification")


class InferRequest(Body):
    """Tensors to predict for."""

    id: str | None = Field(None, description="Comes back in the answer")
    inputs: Annotated[list[InferInput], Field(min_length=1)]
    outputs: list[WantedOutput] | None = Field(None, description="Absent: all")
    parameters: Parameters | None = Field(
        None, description="binary_data_output; timeout in microseconds"
    )


class InferOutput(Body):
    """One tensor of the answer; a binary one has no `data`."""

    name: str
    datatype: Datatype
    shape: list[Count]
    data: list[JsonValue] | None = None
    parameters: Parameters | None = None


class InferAnswer(Body):
    """The model's outputs, and its decisions as outputs of their own."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[InferOutput]
    parameters: Parameters | None = Field(None, description="prediction_id")


class ServerMetadata(Body):
    """The server, and which extensions of the protocol it has."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Body):
    """One input or output; a free axis is -1, the batch axis included."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(Body):
    """A model's inputs and outputs."""

    name: str
    versions: list[str] | None = None
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelNames(Body):
    """The names of all models, as KServe lists them."""

    models: list[str]


class LiveAnswer(Body):
    """The process answers."""

    live: bool


class ReadyAnswer(Body):
    """Whether everything that should be served is loaded."""

    ready: bool
    error: str | None = None


class ModelReady(Body):
    """The model is loaded."""

    name: str
    ready: bool


class ConfigTensor(Body):
    """One input or output; the batch axis is left out where `max_batch_size` is above 0."""

    name: str
    data_type: str
    dims: list[int]


class DynamicBatching(Body):
    """How requests are gathered into one run."""

    preferred_batch_size: list[Count]
    max_queue_delay_microseconds: Count


class TextValue(Body):
    """A value as text, in JSON where it is none."""

    string_value: str


class ModelConfiguration(Body):
    """How the model is run, in Triton's words."""

    name: str
    platform: str
    backend: str
    max_batch_size: Count
    input: list[ConfigTensor]
    output: list[ConfigTensor]
    dynamic_batching: DynamicBatching | None = Field(None, description="Absent: not batched")
    parameters: dict[str, TextValue] | None = Field(
        None, description="How and why it is run so, with the figures that were measured"
    )


class Duration(Body):
    """How often, and how long in all."""

    count: Count
    ns: Count


class InferenceStatistics(Body):
    """Where the time of requests went."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class BatchStatistics(Body):
    """Runs of one batch size."""

    batch_size: Count
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class ModelStatistics(Body):
    """Counts of one version, summed over all workers."""

    name: str
    version: str
    last_inference: Count = Field(description="Milliseconds since 1970")
    inference_count: Count = Field(description="Instances")
    execution_count: Count = Field(description="Runs of the model")
    inference_stats: InferenceStatistics
    batch_stats: list[BatchStatistics]


class StatisticsAnswer(Body):
    """Counts of the versions that are loaded."""

    model_stats: list[ModelStatistics]


class IndexRequest(Body):
    """Which models to list."""

    ready: bool | None = Field(None, description="Only those that are ready")


class IndexEntry(Body):
    """One version in the repository."""

    name: str
    version: str | None = None
    state: Literal["UNKNOWN", "READY", "UNAVAILABLE", "LOADING", "UNLOADING"] | None = None
    reason: str | None = None


class IndexAnswer(RootModel[list[IndexEntry]]):
    """Every version in the repository."""


class ControlRequest(Body):
    """Parameters of loading and unloading."""

    parameters: Parameters | None = None


class LoadAnswer(Body):
    """The model answers, in every worker."""

    name: str
    load: bool


class UnloadAnswer(Body):
    """The model answers no more, in any worker."""

    name: str
    unload: bool


class LogAnswer(Body):
    """What is logged; it can't be changed over HTTP."""

    log_file: str
    log_info: bool
    log_warning: bool
    log_error: bool
    log_verbose_level: int
    log_format: str


class LogRequest(Body):
    """Nothing: anything else is refused."""

    model_config = ConfigDict(extra="forbid")
