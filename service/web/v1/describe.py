"""What the service says of its models, in TensorFlow Serving's words and in KServe's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.base.errors import LabelUnknown, ModelNotFound
from service.base.signature import Signature, TensorSpec
from service.base.strict_json import Json
from service.repository.policy import by_model
from service.repository.states import State, VersionRow
from service.runtime.pool import Pool
from service.web.admin.lineage import lineage
from service.web.admin.route_record import route_record, with_figures
from service.web.admin.version_record import version_records, worker_records
from service.web.counters import Counters
from service.web.model_view import ModelView
from service.web.served import ServedVersion

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
class ModelOrVersion:
    """A model, or one version of it by number or label."""

    model: str
    version: int | None = None
    label: str = ""


def describe_all(view: ModelView, extra_keys: bool) -> Json:
    """All models: their names, and with our own keys each version with its state."""
    names = {row.model for row in view.rows if row.state is not State.RETIRED}
    record: Json = {"models": sorted(names)}
    if extra_keys:
        record["versions"] = [
            one
            for model, rows in by_model(view.rows).items()
            for one in version_records(view, rows, view.route(model))
        ]
    return record


def describe_model(view: ModelView, asked: ModelOrVersion) -> Json:
    """One model's versions, with TensorFlow Serving's keys alone.

    Raises ModelNotFound, LabelUnknown.
    """
    return {"model_version_status": [_status(row, view) for row in _asked_rows(view, asked)]}


def describe_fully(
    view: ModelView, asked: ModelOrVersion, counters: Counters, repository: Path
) -> Json:
    """The same with KServe's keys and our own. Raises ModelNotFound, LabelUnknown."""
    rows, route = view.of(asked.model), view.route(asked.model)
    asked_rows = _asked_rows(view, asked)
    return {
        **describe_model(view, asked),
        "name": asked.model,
        "ready": is_ready(view, asked),
        "route": with_figures(route_record(rows, route), counters),
        "versions": [
            {
                **record,
                "workers": list(worker_records(view, row)),
                **_lineage(repository, row),
            }
            for row, record in zip(rows, version_records(view, rows, route), strict=True)
            if row in asked_rows
        ],
    }


def _lineage(repository: Path, row: VersionRow) -> dict[str, Any]:
    told = lineage(repository, row.model, row.version)
    return {} if told is None else {"lineage": told}


def is_ready(view: ModelView, asked: ModelOrVersion) -> bool:
    """True if requests for the model, or for this version of it, are answered."""
    rows = _asked_rows(view, asked)
    if asked.version is None and not asked.label:
        rows = [row for row in rows if row.current]
    return any(view.answers(row) for row in rows)


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


def _asked_rows(view: ModelView, asked: ModelOrVersion) -> list[VersionRow]:
    rows = view.of(asked.model)
    version = asked.version
    if rows and asked.label:
        version = view.labels(asked.model).get(asked.label)
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


def _status(row: VersionRow, view: ModelView) -> Json:
    state = STATES[row.state]
    if row.state is State.READY:
        state = "AVAILABLE" if view.answers(row) else "LOADING" if row.served else "END"
    code = "INTERNAL" if row.state is State.FAILED else "OK"
    return {
        "version": str(row.version),
        "state": state,
        "status": {"error_code": code, "error_message": row.reason},
    }
