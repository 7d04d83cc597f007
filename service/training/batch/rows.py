"""From a chunk of a table to the columns that are added to it; rows that can't be predicted are
told by file and number, or written with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow

from service.base.errors import KerasdError
from service.base.refusals import DataRefused
from service.base.signature import Signature, Tensors
from service.data.tables.chunk import Chunk, find_bad
from service.data.tables.matching import Features
from service.data.tables.tensors import read_tensors
from service.training.batch.answers import Answers, with_errors
from service.training.inference import Inference

FAULTS = (KerasdError, ValueError)


@dataclass(frozen=True, slots=True)
class Answered:
    """A chunk with the columns that were added to it; `bad` of its rows have none."""

    chunk: Chunk
    added: Sequence[Any]
    bad: int


@dataclass(frozen=True, slots=True)
class RowsAnswerer:
    """Answers chunks of one file, in any thread."""

    inference: Inference
    features: Features
    answers: Answers
    skips_bad: bool

    def answer(self, chunk: Chunk) -> Answered:
        """Run the rows. Raises DataRefused that names file and row, unless bad ones are skipped."""
        try:
            columns = self._columns(chunk)
        except FAULTS as error:
            return self._with_bad(chunk, error)
        if self.skips_bad:
            columns = [*columns, pyarrow.nulls(chunk.rows, pyarrow.string())]
        return Answered(chunk, columns, 0)

    def _with_bad(self, chunk: Chunk, error: Exception) -> Answered:
        bad = dict(find_bad(chunk, self._columns, FAULTS))
        if not bad:  # each row can be predicted alone, but not all together
            raise error
        first = min(bad)
        if not self.skips_bad:
            raise _refused(chunk, first, bad[first]) from bad[first]
        good = [row for row in range(chunk.rows) if row not in bad]
        columns = self._columns(chunk.take(good))
        errors = {row: _reason(chunk, row, each) for row, each in bad.items()}
        return Answered(chunk, with_errors(columns, good, errors), len(bad))

    def _columns(self, chunk: Chunk) -> list[Any]:
        if not chunk.rows:
            return [pyarrow.nulls(0, kind) for kind in self.answers.fields("", False).types]
        inputs = read_tensors(chunk, self.features)
        outputs = run_all(self.inference, inputs, chunk.rows)
        for name, values in outputs.items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(f"the model's answer {name!r} is NaN or infinite")
        return self.answers.columns(outputs, chunk.rows)


def run_all(inference: Inference, inputs: Tensors, rows: int) -> Tensors:
    """All outputs of all rows; where the model takes a certain number of rows, in such batches."""
    signature = inference.compiled.signature
    fixed = signature.inputs[0].shape[0]
    if fixed is None or fixed == rows:
        return _sound(signature, inference.run(inputs), rows)
    parts = []
    for start in range(0, rows, fixed):
        batch = {
            name: _filled(array[start : start + fixed], fixed) for name, array in inputs.items()
        }
        parts.append(_sound(signature, inference.run(batch), fixed))
    return {name: np.concatenate([part[name] for part in parts])[:rows] for name in parts[0]}


def _sound(signature: Signature, outputs: Tensors, rows: int) -> Tensors:
    for spec in signature.outputs:
        if len(outputs[spec.name]) != rows:
            raise ValueError(f"the model's answer {spec.name!r} isn't one a row")
    return outputs


def _filled(values: np.ndarray, rows: int) -> np.ndarray:
    if len(values) == rows:
        return values
    return np.concatenate([values, np.zeros((rows - len(values), *values.shape[1:]), values.dtype)])


def _refused(chunk: Chunk, row: int, error: Exception) -> Exception:
    if isinstance(error, DataRefused):
        return error
    where = f"{chunk.word} {chunk.first + row}"
    return chunk.source.refused(where, str(error), "rows that the model can compute with")


def _reason(chunk: Chunk, row: int, error: Exception) -> str:
    return str(_refused(chunk, row, error)).removeprefix(f"{chunk.source.file}: ")
