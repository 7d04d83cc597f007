"""A loaded version as it answers requests: decode, run, decide, encode, count."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.base.errors import AnswerInvalid, DeadlineExceeded, KerasdError, RequestInvalid
from service.base.signature import Signature, Tensors
from service.repository.model_config import ModelConfig
from service.runtime.version import LoadedVersion
from service.web.counted import Stopwatch, VersionMetrics
from service.web.decisions import Decided, decider
from service.web.decode import Decoder, PredictRequest
from service.web.tensors import all_finite

QUICK_S = 0.001
QUICK_BODY_BYTES = 64 * 1024
BYTES_A_NUMBER = 8
OPTIONS = orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True)
class Identity:
    """Which version this is: name, number, key of its compiled folder, and how it was opened.

    `engine` built it and `runtime` runs it; `notes` tell what its files needed for that.
    """

    model: str
    version: int
    artefact: str
    format: str = ""
    keras_version: str = ""
    engine: str = ""
    runtime: str = ""
    notes: tuple[str, ...] = ()


class ServedVersion:
    """One version with all that its answers need, put together when it is loaded."""

    def __init__(
        self, identity: Identity, loaded: LoadedVersion, config: ModelConfig, decoder: Decoder
    ) -> None:
        self.identity = identity
        self.config = config
        self._loaded = loaded
        self._decoder = decoder
        self._decide = decider(config, loaded.signature)
        self._metrics = VersionMetrics(identity.model, identity.version, config.labels)
        self._row_bytes = BYTES_A_NUMBER * _numbers_a_row(loaded.signature)

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._loaded.signature

    def is_quick(self, body_bytes: int) -> bool:
        """True when a body of this size may be answered on the event loop without holding it up."""
        rows = max(1.0, body_bytes / self._row_bytes)
        return body_bytes <= QUICK_BODY_BYTES and rows * self._loaded.row_cost_s <= QUICK_S

    def answer(self, body: bytes) -> bytes:
        """The answer to one prediction request, as JSON. Raises KerasdError; counts either way."""
        watch = Stopwatch()
        try:
            request = self._decoder.decode(body, self.signature)
            watch.decode = watch.lap()
            outputs = self._loaded.run(request.inputs)
            _check_outputs(outputs, request.rows)
            watch.infer = watch.lap()
            decided = self._decided(outputs)
            content = self._encode(request, outputs, decided)
            watch.encode = watch.lap()
        except Exception as error:
            self._metrics.count_failed(_outcome(error))
            raise
        self._metrics.count_ok(request.rows, decided, watch)
        return content

    def close(self) -> None:
        """Give the version back; called once, after its last lease."""
        self._metrics.flush()
        self._loaded.close()

    def _decided(self, outputs: Tensors) -> Decided | None:
        if self._decide is None:
            return None
        return self._decide(outputs[self.signature.outputs[0].name])

    def _encode(self, request: PredictRequest, outputs: Tensors, decided: Decided | None) -> bytes:
        record: dict[str, Any]
        if request.is_row_form:
            record = {"predictions": _as_rows(outputs)}
        else:
            record = {"outputs": _as_columns(outputs)}
        if decided is not None:
            record["decisions"] = decided.as_json(self.config.labels)
        record["model_version"] = str(self.identity.version)
        return orjson.dumps(record, option=OPTIONS)


def _as_rows(outputs: Tensors) -> Any:
    """TensorFlow Serving's row form: a list of values, or of objects if there are several."""
    if len(outputs) == 1:
        return _encodable(next(iter(outputs.values())))
    columns = {name: _encodable(array) for name, array in outputs.items()}
    rows = len(next(iter(columns.values())))
    return [{name: column[row] for name, column in columns.items()} for row in range(rows)]


def _as_columns(outputs: Tensors) -> Any:
    """TensorFlow Serving's column form: the tensor, or an object of tensors."""
    if len(outputs) == 1:
        return _encodable(next(iter(outputs.values())))
    return {name: _encodable(array) for name, array in outputs.items()}


def _encodable(array: np.ndarray) -> Any:
    if array.dtype.kind in "OSU":
        return _as_text(array.tolist())
    return np.ascontiguousarray(array)


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _check_outputs(outputs: Tensors, rows: int) -> None:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise AnswerInvalid(name, f"has shape {array.shape} for {rows} instances")
        if array.dtype.kind == "f" and not all_finite(array):
            row = int(np.nonzero(~np.isfinite(array))[0][0])
            raise AnswerInvalid(
                name,
                f"is not a finite number for instance {row}; "
                "check the range of that instance's inputs",
            )


def _numbers_a_row(signature: Signature) -> int:
    sizes = [np.prod([axis or 8 for axis in spec.item_shape]) for spec in signature.inputs]
    return max(1, int(sum(sizes)))


def _outcome(error: Exception) -> str:
    if isinstance(error, RequestInvalid):
        return "invalid"
    if isinstance(error, DeadlineExceeded):
        return "timeout"
    if isinstance(error, KerasdError) and error.status == 503:
        return "rejected"
    return "error"
