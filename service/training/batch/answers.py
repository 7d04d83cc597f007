"""The columns that predictions add to rows: scores, what was decided, and by which version."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow

from service.base.refusals import DataRefused
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.decisions import Chosen, form_of, maker
from service.repository.model_config import ModelConfig

ERROR = "error"

Columns = list[Any]


class Answers:
    """How the outputs of a version become columns in Arrow's form, and what these are called."""

    def __init__(
        self, config: ModelConfig, signature: Signature, version: int, names: Sequence[str]
    ) -> None:
        self._signature = signature
        self._version = version
        self._decide = maker(config, signature)
        self._form, self._width = form_of(config, signature)
        decides = self._form in ("classes", "sets")
        self._labels = tuple(names) or (config.labels if decides else ())
        if self._labels and (not decides or len(self._labels) != self._width):
            wrong = f"{len(self._labels)} names for {self._width if decides else 0} classes"
            raise DataRefused("the request", "label_names", wrong, "as many as the model has")
        output = signature.outputs[0]
        self._is_single = len(output.shape) == 1 or output.shape[1:] == (1,)

    def fields(self, prefix: str, has_errors: bool) -> Any:
        """The schema of the columns."""
        fields = [(f"{prefix}{name}", kind) for name, kind in self._fields()]
        if has_errors:
            fields.append((f"{prefix}{ERROR}", pyarrow.string()))
        return pyarrow.schema(fields)

    def columns(self, outputs: Tensors, rows: int) -> Columns:
        """One column a field, but for the errors."""
        first, *others = [outputs[spec.name] for spec in self._signature.outputs]
        version = pyarrow.array(np.full(rows, self._version, np.int32))
        return [
            *self._of_first(np.ascontiguousarray(first), rows),
            version,
            *(nested(np.ascontiguousarray(values)) for values in others),
        ]

    def _fields(self) -> Iterator[tuple[str, Any]]:
        outputs = self._signature.outputs
        number = _kind(outputs[0])
        if self._form == "classes":
            yield "scores", pyarrow.list_(number)
            yield "class_index", pyarrow.int32()
            if self._labels:
                yield "label", pyarrow.string()
        elif self._form == "sets":
            yield "scores", pyarrow.list_(number)
            yield "class_indices", pyarrow.list_(pyarrow.int32())
            if self._labels:
                yield "labels", pyarrow.list_(pyarrow.string())
        else:
            depth = 0 if self._is_single else len(outputs[0].shape) - 1
            yield "scores", _lists(number, depth)
        yield "version", pyarrow.int32()
        for spec in outputs[1:]:
            yield f"scores_{spec.name}", _lists(_kind(spec), len(spec.shape) - 1)

    def _of_first(self, values: np.ndarray, rows: int) -> Columns:
        if self._decide is None or self._form not in ("classes", "sets"):
            return [nested(values.reshape(rows) if self._is_single else values)]
        decided = self._decide(values.reshape(rows) if self._is_single else values)
        if isinstance(decided, Chosen):
            return [nested(values), *self._sets(decided.chosen)]
        index = decided.class_index.astype(np.int32)
        if self._is_single:
            second = values.reshape(rows)
            values = np.stack([1 - second, second], axis=1)
        columns = [nested(values), pyarrow.array(index)]
        if self._labels:
            columns.append(pyarrow.array(self._labels).take(columns[1]))
        return columns

    def _sets(self, chosen: np.ndarray) -> Columns:
        ends = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))]).astype(np.int32)
        indices = pyarrow.array(np.nonzero(chosen)[1].astype(np.int32))
        columns = [pyarrow.ListArray.from_arrays(ends, indices)]
        if self._labels:
            names = pyarrow.array(self._labels).take(indices)
            columns.append(pyarrow.ListArray.from_arrays(ends, names))
        return columns


def with_errors(columns: Columns, good: Sequence[int], errors: dict[int, str]) -> Columns:
    """The columns of the good rows with nulls between them, and a column of errors."""
    rows = len(good) + len(errors)
    places: list[int | None] = [None] * rows
    for at, row in enumerate(good):
        places[row] = at
    chosen = pyarrow.array(places, pyarrow.int64())
    texts = pyarrow.array([errors.get(row) for row in range(rows)], pyarrow.string())
    return [*(column.take(chosen) for column in columns), texts]


def nested(values: np.ndarray) -> Any:
    """An array as a column: lists in lists, as deep as it has axes beside the first."""
    if values.dtype.kind in "OSU":
        texts = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in values.flat]
        flat = pyarrow.array(texts, pyarrow.string())
    else:
        flat = pyarrow.array(values.reshape(-1))
    for axis in range(values.ndim - 1, 0, -1):
        count = int(np.prod(values.shape[:axis]))
        ends = (np.arange(count + 1) * values.shape[axis]).astype(np.int32)
        flat = pyarrow.ListArray.from_arrays(ends, flat)
    return flat


def _kind(spec: TensorSpec) -> Any:
    if spec.dtype == STRING:
        return pyarrow.string()
    return pyarrow.from_numpy_dtype(spec.numpy_dtype)


def _lists(kind: Any, depth: int) -> Any:
    for _ in range(max(depth, 0)):
        kind = pyarrow.list_(kind)
    return kind
