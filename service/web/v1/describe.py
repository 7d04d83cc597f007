"""What the service says of its models, in TensorFlow Serving's words and in KServe's."""

from typing import Any

from service.base.errors import ModelNotFound
from service.base.signature import Signature, TensorSpec
from service.repository.states import State, VersionRow
from service.runtime.pool import Pool
from service.web.exchange import Identity
from service.web.served import ServedVersion
from service.web.v1.labels import check_label

Json = dict[str, Any]
Loaded = dict[tuple[str, int], Identity]

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


def describe_all(rows: list[VersionRow], pool: Pool[ServedVersion], extra_keys: bool) -> Json:
    """All models: their names, and with our own keys each version with its state."""
    record: Json = {"models": sorted({row.model for row in rows if row.state is not State.RETIRED})}
    if extra_keys:
        loaded = _loaded(pool)
        record["versions"] = [_version(row, loaded) for row in rows]
    return record


def describe_model(
    rows: list[VersionRow],
    pool: Pool[ServedVersion],
    model: str,
    version: int | None,
    extra_keys: bool,
) -> Json:
    """One model's versions, with KServe's keys beside TensorFlow Serving's.

    Raises ModelNotFound.
    """
    ours = [row for row in rows if row.model == model and version in (None, row.version)]
    if not ours:
        raise ModelNotFound(model, version, "status")
    loaded = _loaded(pool)
    record: Json = {"model_version_status": [_status(row, loaded) for row in ours]}
    if extra_keys:
        record["name"] = model
        record["ready"] = is_ready(rows, pool, model, version)
        record["versions"] = [_version(row, loaded) for row in ours]
    return record


def is_ready(
    rows: list[VersionRow], pool: Pool[ServedVersion], model: str, version: int | None
) -> bool:
    """True if requests for the model, or for this version of it, are answered."""
    loaded = _loaded(pool)
    return any(
        row.model == model and version in (None, row.version) and (model, row.version) in loaded
        for row in rows
    )


def describe_signature(
    pool: Pool[ServedVersion], model: str, version: int | None, label: str
) -> Json:
    """One model's signature, in proto-JSON as TensorFlow Serving prints it."""
    with pool.lease(model, version) as slot:
        if label:
            check_label(slot.served.facts, label)
        definition = _signature_def(slot.served.facts.signature)
        number = slot.version
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(number)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": definition}}},
    }


def _loaded(pool: Pool[ServedVersion]) -> Loaded:
    return {(slot.model, slot.version): slot.served.facts.identity for slot in pool.slots()}


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


def _status(row: VersionRow, loaded: Loaded) -> Json:
    state = STATES[row.state]
    if row.state is State.READY:
        is_loaded = (row.model, row.version) in loaded
        state = "AVAILABLE" if is_loaded else "LOADING" if row.served else "END"
    code = "INTERNAL" if row.state is State.FAILED else "OK"
    return {
        "version": str(row.version),
        "state": state,
        "status": {"error_code": code, "error_message": row.reason},
    }


def _version(row: VersionRow, loaded: Loaded) -> Json:
    identity = loaded.get((row.model, row.version))
    record: Json = {
        "model": row.model,
        "version": row.version,
        "state": row.state.value,
        "reason": row.reason,
        "served": row.served,
        "loaded": identity is not None,
        "artefact": row.artefact,
        "labels": list(row.config.labels),
    }
    if identity is not None:
        record |= {
            "format": identity.format,
            "keras_version": identity.keras_version,
            "engine": identity.engine,
            "runtime": identity.runtime,
            "notes": list(identity.notes),
        }
    return record
