"""What the service says of its models, in TensorFlow Serving's words and in KServe's."""

from dataclasses import dataclass, replace
from typing import Any

from service.base.errors import LabelUnknown, ModelNotFound
from service.base.signature import Signature, TensorSpec
from service.repository.states import State, VersionRow
from service.runtime.pool import Pool
from service.web.admin.route_record import route_record, with_figures
from service.web.admin.standing import Standing
from service.web.admin.version_record import Loaded, loaded_here, version_records
from service.web.served import ServedVersion

Json = dict[str, Any]

DTYPES = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "int8": "DT_INT8",
    "int16": "DT_INT16",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
    "uint8": "DT_UINT8",
    "uint16": "DT_UINT16",
    "uint32": "DT_UINT32",
    "uint64": "DT_UINT64",
    "bool": "DT_BOOL",
    "string": "DT_STRING",
}
STATES = {
    State.DISCOVERED: "START",
    State.COMPILING: "LOADING",
    State.READY: "LOADING",
    State.FAILED: "END",
    State.RETIRED: "END",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, or one version of it by number or label."""

    model: str
    version: int | None = None
    label: str = ""


def describe_all(standing: Standing, pool: Pool[ServedVersion], extra_keys: bool) -> Json:
    """All models: their names, and with our own keys each version with its state."""
    names = {row.model for row in standing.rows if row.state is not State.RETIRED}
    record: Json = {"models": sorted(names)}
    if extra_keys:
        record["versions"] = version_records(standing, loaded_here(pool), with_workers=False)
    return record


def describe_model(
    standing: Standing, pool: Pool[ServedVersion], asked: Asked, extra_keys: bool
) -> Json:
    """One model's versions, with KServe's keys beside TensorFlow Serving's, and our own.

    Raises ModelNotFound, LabelUnknown.
    """
    ours = _asked_rows(standing, asked)
    loaded = loaded_here(pool)
    record: Json = {"model_version_status": [_status(row, standing, loaded) for row in ours]}
    if extra_keys:
        route = route_record(standing.of(asked.model), standing.route(asked.model))
        numbers = {row.version for row in ours}
        records = version_records(
            replace(standing, rows=standing.of(asked.model)), loaded, with_workers=True
        )
        record["name"] = asked.model
        record["ready"] = is_ready(standing, pool, asked)
        record["route"] = with_figures(route)
        record["versions"] = [one for one in records if one["version"] in numbers]
    return record


def is_ready(standing: Standing, pool: Pool[ServedVersion], asked: Asked) -> bool:
    """True if requests for the model, or for this version of it, are answered."""
    rows = _asked_rows(standing, asked)
    if asked.version is None and not asked.label:
        rows = [row for row in rows if row.current]
    loaded = loaded_here(pool)
    return any((row.model, row.version) in loaded or standing.is_cold(row) for row in rows)


def describe_signature(
    pool: Pool[ServedVersion], model: str, version: int | None, label: str
) -> Json:
    """One model's signature, in proto-JSON as TensorFlow Serving prints it."""
    with pool.lease(model, version, label) as slot:
        definition = _signature_def(slot.served.facts.signature)
        number = slot.version
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(number)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": definition}}},
    }


def _asked_rows(standing: Standing, asked: Asked) -> list[VersionRow]:
    rows = standing.of(asked.model)
    version = asked.version
    if rows and asked.label:
        version = standing.labels(asked.model).get(asked.label)
        if version is None:
            raise LabelUnknown(asked.label)
    found = [row for row in rows if version in (None, row.version)]
    if not found:
        raise ModelNotFound(asked.model, version, "status")
    return found


def _signature_def(signature: Signature) -> Json:
    return {
        "inputs": {spec.name: _tensor_info(spec) for spec in signature.inputs},
        "outputs": {spec.name: _tensor_info(spec) for spec in signature.outputs},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }


def _tensor_info(spec: TensorSpec) -> Json:
    sizes = [-1 if axis is None else axis for axis in spec.shape]
    return {
        "dtype": DTYPES[spec.dtype],
        "tensor_shape": {
            "dim": [{"size": str(size), "name": ""} for size in sizes],
            "unknown_rank": False,
        },
        "name": f"{spec.name}:0",
    }


def _status(row: VersionRow, standing: Standing, loaded: Loaded) -> Json:
    state = STATES[row.state]
    if row.state is State.READY:
        answers = (row.model, row.version) in loaded or standing.is_cold(row)
        state = "AVAILABLE" if answers else "LOADING" if row.served else "END"
    code = "INTERNAL" if row.state is State.FAILED else "OK"
    return {
        "version": str(row.version),
        "state": state,
        "status": {"error_code": code, "error_message": row.reason},
    }
