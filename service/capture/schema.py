"""The columns of a file of captured inputs, and what its footer says of them.

    prediction        16 bytes: the id of the prediction, as the store of labels has it
    own               16 bytes, or nothing: the id that the client gave it, hashed as there
    row               of the prediction, from 0
    version           that answered
    time              of the prediction, in milliseconds
    predicted_class   and
    predicted_score   where the answer was a decision
    input.<name>      one for each input that is kept

A row of an input is a list of its numbers in row-major order. Where the shape has free axes it is a
list of such lists for each axis up to the last free one. An input of one number or text a row is no
list. Names, dtypes and shapes stand in the footer under the key `kerasd`.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from service.base.signature import STRING, TensorSpec
from service.capture.arrow import pyarrow

KEY = b"kerasd"
PREFIX = "input."
ID_BYTES = 16
IDS = ("prediction", "own", "row", "time")


@dataclass(frozen=True, slots=True)
class InputForm:
    """An input as it is kept: `shape` is that of a row, `blank` are numbers of it that aren't."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    blank: tuple[int, ...] = ()

    @property
    def free_axes(self) -> int:
        """How many axes there are up to the last free one."""
        return max((at + 1 for at, axis in enumerate(self.shape) if axis is None), default=0)

    @property
    def width(self) -> int:
        """How many numbers there are after the last free axis."""
        return prod(axis or 1 for axis in self.shape[self.free_axes :])

    @property
    def column(self) -> str:
        """What its column is called."""
        return f"{PREFIX}{self.name}"


@dataclass(frozen=True, slots=True)
class Form:
    """What the rows of a file have in common; `sources` are files that were merged into it."""

    model: str
    version: int
    inputs: tuple[InputForm, ...]
    sources: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for files that can be merged, as far as their inputs go."""
        text = json.dumps([_record(one) for one in self.inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def merged_from(self, sources: Iterable[str]) -> "Form":
        """The form of a file that has all rows of these."""
        return replace(self, sources=tuple(sorted(sources)))


def input_form(spec: TensorSpec, blank: tuple[int, ...] = ()) -> InputForm:
    """How an input of a model is kept."""
    return InputForm(spec.name, spec.dtype, spec.item_shape, blank)


def arrow_schema(form: Form) -> Any:
    """The schema of a file."""
    pa = pyarrow()
    fields = [
        pa.field("prediction", pa.binary(ID_BYTES), nullable=False),
        pa.field("own", pa.binary(ID_BYTES)),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("predicted_class", pa.int32()),
        pa.field("predicted_score", pa.float32()),
        *(pa.field(one.column, arrow_type(one), nullable=False) for one in form.inputs),
    ]
    record = {
        "model": form.model,
        "version": form.version,
        "inputs": [_record(one) for one in form.inputs],
        "sources": list(form.sources),
    }
    return pa.schema(fields, metadata={KEY: json.dumps(record).encode()})


def arrow_type(form: InputForm) -> Any:
    """The type of an input's column."""
    pa = pyarrow()
    kind = pa.string() if form.dtype == STRING else pa.from_numpy_dtype(form.dtype)
    if len(form.shape) > form.free_axes:
        kind = pa.list_(_element(kind), form.width)
    for _ in range(form.free_axes):
        kind = pa.list_(_element(kind))
    return kind


def read_form(schema: Any) -> Form:
    """The form of a file, from its footer. Raises ValueError for a file that isn't one of ours."""
    try:
        record = json.loads((schema.metadata or {})[KEY])
        inputs = tuple(
            InputForm(
                one["name"],
                one["dtype"],
                tuple(one["shape"]),
                tuple(one["blank"]),
            )
            for one in record["inputs"]
        )
        return Form(record["model"], record["version"], inputs, tuple(record["sources"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("no captured inputs") from error


def _record(form: InputForm) -> dict[str, Any]:
    return {
        "name": form.name,
        "dtype": form.dtype,
        "shape": list(form.shape),
        "blank": list(form.blank),
    }


def _element(kind: Any) -> Any:
    """Saying that nothing is missing makes reading twice as quick."""
    return pyarrow().field("element", kind, nullable=False)
