"""The client's two ways to write tensors, as JSON and as bytes, and to read what comes back."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.base.errors import TensorInvalid
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.base.strict_json import Json

Rows = list[Any]
Inputs = np.ndarray | Rows | Mapping[str, np.ndarray | Rows]

LENGTH = struct.Struct("<I")
DTYPES = {
    "DT_HALF": "float16",
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_STRING": STRING,
    "DT_BOOL": "bool",
    **{f"DT_{sign}INT{bits}": f"{sign}int{bits}".lower()
       for sign in ("", "U") for bits in (8, 16, 32, 64)},
}  # fmt: skip
DATATYPES = {
    "bool": "BOOL",
    **{f"{kind}{bits}": f"{kind}{bits}".upper()
       for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
}  # fmt: skip
DTYPE_OF = {datatype: dtype for dtype, datatype in DATATYPES.items()}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model says of one instance; `margin` is only told where inputs were no arrays."""

    class_index: int
    label: str
    score: float
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which labels the model says one instance has; `labels` are empty where they have no names."""

    class_indices: tuple[int, ...]
    labels: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One array, or one for each output by name; decisions are empty where the model has none.

    A model that gives several labels at once has `choices` instead. `prediction_id` is what true
    labels are sent for later; empty where the service gives none.
    """

    predictions: np.ndarray | Tensors
    decisions: tuple[Decision, ...]
    model_version: str
    prediction_id: str = ""
    choices: tuple[Choice, ...] = ()


def signature_of(record: Json) -> Signature:
    """The signature in the metadata of version 1."""
    definition = record["metadata"]["signature_def"]["signature_def"]["serving_default"]
    return Signature(_specs(definition["inputs"]), _specs(definition["outputs"]))


def as_arrays(inputs: Inputs, signature: Signature) -> Tensors | None:
    """The inputs in the model's own types if all are arrays of numbers, else none.

    Raises TensorInvalid for what isn't there, isn't known, or can't be written in that type.
    """
    specs = {spec.name: spec for spec in signature.inputs}
    if isinstance(inputs, np.ndarray):
        if len(specs) > 1:
            raise TensorInvalid("inputs", f"an array each by name, {', '.join(specs)}", "one array")
        inputs = dict.fromkeys(specs, inputs)
    if not isinstance(inputs, Mapping) or inputs.keys() != specs.keys():
        return None  # the service words the error, if it is one
    arrays: Tensors = {}
    for name, array in inputs.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            return None
        if specs[name].dtype == STRING:
            return None
        arrays[name] = _fit(array, specs[name])
    return arrays


def json_request(inputs: Inputs) -> bytes:
    """The body for version 1: a list as instances, which may be objects; others as tensors."""
    key = "inputs" if isinstance(inputs, Mapping) else "instances"
    plain: Any = inputs
    if isinstance(inputs, Mapping):
        plain = {name: _listed(value) for name, value in inputs.items()}
    return orjson.dumps({key: _listed(plain)}, option=orjson.OPT_SERIALIZE_NUMPY)


def json_prediction(answer: Json, signature: Signature) -> Prediction:
    """What version 1 answers, in either form."""
    specs = {spec.name: spec for spec in signature.outputs}
    values = answer["predictions"] if "predictions" in answer else answer["outputs"]
    if len(specs) > 1 and isinstance(values, list):
        values = {name: [row[name] for row in values] for name in specs}
    if len(specs) == 1:
        values = dict.fromkeys(specs, values)
    arrays = {name: np.array(values[name], spec.numpy_dtype) for name, spec in specs.items()}
    said = answer.get("decisions") or ()
    decisions = tuple(
        Decision(item["class_index"], item.get("label", ""), item["score"], item.get("margin"))
        for item in said if "class_index" in item
    )  # fmt: skip
    choices = tuple(
        Choice(tuple(item["class_indices"]), tuple(item.get("labels", ())), tuple(item["scores"]))
        for item in said if "class_indices" in item
    )  # fmt: skip
    version, receipt = answer.get("model_version", ""), answer.get("prediction_id", "")
    return Prediction(_single(arrays), decisions, version, receipt, choices)


def binary_request(arrays: Tensors) -> tuple[int, bytes]:
    """How long the JSON is at the head of the body for version 2, and that body."""
    inputs = [
        {
            "name": name,
            "shape": array.shape,
            "datatype": DATATYPES[array.dtype.name],
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in arrays.items()
    ]
    head = orjson.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return len(head), b"".join([head, *(array.data for array in arrays.values())])


def binary_prediction(content: bytes, head: int | None, signature: Signature) -> Prediction:
    """What version 2 answers; the outputs that the model doesn't have itself are decisions."""
    record = orjson.loads(content if head is None else content[:head])
    arrays: Tensors = {}
    start = head or 0
    for output in record["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size", 0)
        arrays[output["name"]] = _read(output, content[start : start + size])
        start += size
    own = {spec.name: arrays[spec.name] for spec in signature.outputs}
    said = {name.rsplit("decision_", 1)[-1]: arrays[name] for name in arrays if name not in own}
    receipt = record.get("parameters", {}).get("prediction_id", "")
    decisions: tuple[Decision, ...] = ()
    choices: tuple[Choice, ...] = ()
    if "chosen" in said:
        choices = tuple(_choices(said, own[signature.outputs[0].name]))
    else:
        decisions = tuple(_decisions(said))
    return Prediction(_single(own), decisions, record["model_version"], receipt, choices)


def _specs(tensors: Json) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(name, DTYPES[info["dtype"]], _shape(info["tensor_shape"]))
        for name, info in tensors.items()
    )


def _shape(record: Json) -> tuple[int | None, ...]:
    sizes = [int(axis["size"]) for axis in record["dim"]]
    return tuple(None if size < 0 else size for size in sizes)


def _fit(array: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """The array in the model's type, laid out row by row; whole numbers must stay what they are."""
    with np.errstate(all="ignore"):  # a float too large becomes infinite, which is refused there
        fitted = np.ascontiguousarray(array, spec.numpy_dtype)
    if spec.numpy_dtype.kind in "biu" and not np.array_equal(fitted, array):
        raise TensorInvalid(spec.name, f"values of type {spec.dtype}", f"{array.dtype} beyond it")
    return fitted


def _listed(value: Any) -> Any:
    """Texts as lists; numbers are written out of the array."""
    is_text = isinstance(value, np.ndarray) and value.dtype.kind in "OSUT"
    return value.tolist() if is_text else value


def _read(output: Json, content: bytes) -> np.ndarray:
    shape = output["shape"]
    if output["datatype"] == "BYTES":
        texts = output["data"] if "data" in output else list(_texts(content))
        return np.array(texts, object).reshape(shape)
    dtype = DTYPE_OF[output["datatype"]]
    if "data" in output:
        return np.array(output["data"], dtype).reshape(shape)
    return np.frombuffer(content, dtype).reshape(shape)


def _texts(content: bytes) -> Iterator[str]:
    start = 0
    while start < len(content):
        (length,) = LENGTH.unpack_from(content, start)
        start += LENGTH.size
        yield content[start : start + length].decode()
        start += length


def _decisions(said: Tensors) -> Iterator[Decision]:
    if not said:
        return
    indices, scores = said["class_index"].tolist(), said["score"].tolist()
    labels = said["label"].tolist() if "label" in said else [""] * len(indices)
    for index, label, score in zip(indices, labels, scores, strict=True):
        yield Decision(index, label, score)


def _choices(said: Tensors, scores: np.ndarray) -> Iterator[Choice]:
    for row, chosen in enumerate(said["chosen"]):
        names = said["label"][row][chosen].tolist() if "label" in said else []
        indices = np.flatnonzero(chosen).tolist()
        yield Choice(tuple(indices), tuple(names), tuple(scores[row][chosen].tolist()))


def _single(arrays: Tensors) -> np.ndarray | Tensors:
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays
