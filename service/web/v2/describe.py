"""What the server says of itself and its models, in the protocol's words and in Triton's."""

from collections.abc import Iterable

import orjson

from service import __version__
from service.base.settings import Settings
from service.base.signature import TensorSpec
from service.base.strict_json import Json
from service.repository.model_config import Latest, ModelConfig, Specific
from service.repository.states import State, VersionRow
from service.runtime.plan import Plan
from service.web.exchange import Facts
from service.web.v2.datatypes import V2_OF, config_type
from service.web.v2.decided import decision_specs

EXTENSIONS = (
    "classification",
    "model_repository",
    "model_repository(unload_dependents)",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
)
PLATFORM = "tensorflow_keras"
BACKENDS = {"onnx": "onnxruntime", "tensorflow": "tensorflow"}
INT32_MAX = 2**31 - 1
MICROSECONDS = 1_000_000


def server_metadata() -> Json:
    """Name, version, and the parts of the protocol that are done."""
    return {"name": "kerasd", "version": __version__, "extensions": list(EXTENSIONS)}


def model_list(rows: Iterable[VersionRow]) -> Json:
    """The names of all models, as KServe lists them."""
    return {"models": sorted({row.model for row in rows if row.state is not State.RETIRED})}


def model_ready(model: str) -> Json:
    """A model that answers."""
    return {"name": model, "ready": True}


def model_metadata(facts: Facts, versions: Iterable[int]) -> Json:
    """A model's tensors, decisions among its outputs; shapes begin with the batch axis."""
    return {
        "name": facts.identity.model,
        "versions": [str(version) for version in sorted(versions)],
        "platform": PLATFORM,
        "inputs": [_tensor(spec) for spec in facts.signature.inputs],
        "outputs": [_tensor(spec) for spec in _outputs(facts)],
    }


def model_config(facts: Facts, plan: Plan, instances: int) -> Json:
    """Triton's ModelConfig as far as it applies; how and why it is run so stands in `parameters`.

    `dims` leave out the batch axis, unless the model wants a fixed number of rows.
    """
    identity = facts.identity
    is_free = all(spec.shape[0] is None for spec in (*facts.signature.inputs, *_outputs(facts)))
    first = 1 if is_free else 0
    record: Json = {
        "name": identity.model,
        "platform": PLATFORM,
        "backend": BACKENDS.get(identity.runtime, identity.runtime),
        "version_policy": _version_policy(facts.config),
        "max_batch_size": min(facts.max_rows, INT32_MAX) if is_free else 0,
        "input": [
            {**_config_tensor(spec, first), "format": "FORMAT_NONE", "optional": False}
            for spec in facts.signature.inputs
        ],
        "output": [_config_tensor(spec, first) for spec in _outputs(facts)],
        "instance_group": [{"name": identity.model, "kind": "KIND_CPU", "count": instances}],
        "parameters": _parameters(facts, plan),
    }
    if plan.is_batched:
        record["dynamic_batching"] = {
            "preferred_batch_size": [plan.max_batch_size],
            "max_queue_delay_microseconds": round(plan.max_wait_s * MICROSECONDS),
        }
    return record


def log_settings(settings: Settings) -> Json:
    """What is logged, as Triton's logging route shows it; it can't be changed over HTTP."""
    level = settings.log_level
    return {
        "log_file": "",
        "log_info": level in ("DEBUG", "INFO"),
        "log_warning": level != "ERROR",
        "log_error": True,
        "log_verbose_level": int(level == "DEBUG"),
        "log_format": settings.log_format,
    }


def _version_policy(config: ModelConfig) -> Json:
    match config.version_policy:
        case Latest(latest=count):
            return {"latest": {"num_versions": count}}
        case Specific(specific=listed):
            return {"specific": {"versions": list(listed)}}
        case _:
            return {"all": {}}


def _outputs(facts: Facts) -> tuple[TensorSpec, ...]:
    return (*facts.signature.outputs, *decision_specs(facts))


def _tensor(spec: TensorSpec) -> Json:
    return {"name": spec.name, "datatype": V2_OF[spec.dtype], "shape": _dims(spec, 0)}


def _config_tensor(spec: TensorSpec, first: int) -> Json:
    return {"name": spec.name, "data_type": config_type(spec.dtype), "dims": _dims(spec, first)}


def _dims(spec: TensorSpec, first: int) -> list[int]:
    return [-1 if axis is None else axis for axis in spec.shape[first:]]


def _parameters(facts: Facts, plan: Plan) -> Json:
    identity = facts.identity
    values: Json = {
        "artefact": identity.artefact,
        "format": identity.format,
        "keras_version": identity.keras_version,
        "engine": identity.engine,
        **plan.as_json(),
    }
    return {key: {"string_value": _as_text(value)} for key, value in values.items()}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
