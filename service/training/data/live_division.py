"""Rows of live traffic with the labels that came for them, divided as rows of a file are."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from service.base.refusals import DataRefused
from service.base.sequences import pad
from service.base.signature import Tensors
from service.capture.asked import choice_of
from service.capture.feedback import LiveRows, check_alike
from service.capture.wanted import TruthForm, Wanted
from service.data.child import DATA
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.dividing import Division, divide
from service.data.stored import save_divided
from service.recipe.data import DataRequest, LabelledData
from service.training.data.feedback_rows import gather_feedback

MILLISECONDS = 1000.0


def divide_feedback(
    request: LabelledData,
    expected: Expected,
    scratch: Path,
    live: LiveRows | None,
    check: Callable[[], None],
) -> Path:
    """The folder of rows, made in `scratch`. Raises DataRefused where there are too few."""
    if request.from_feedback is None or live is None:
        raise DataRefused("feedback", "", "is not kept here", "a file of rows")
    split = request.split if isinstance(request, DataRequest) else None
    choice = choice_of(request.from_feedback, time.time(), split.seed if split else 0)
    wanted = wanted_of(expected, is_finite=isinstance(request, DataRequest))
    rows = gather_feedback(live, wanted, choice, scratch, check)
    data = Dataset(
        _padded(rows.inputs, expected), rows.labels, len(rows.labels), {}, None,
        rows.at / MILLISECONDS,
    )  # fmt: skip
    divided = divide(live.name, data, expected, Division(split))
    divided.facts["source"] = {
        "from_feedback": request.from_feedback.model_dump(mode="json"),
        "counted": asdict(rows.counted),
    }
    save_divided(divided, scratch / DATA)
    return scratch / DATA


def wanted_of(expected: Expected, is_finite: bool = False) -> Wanted:
    """The same for rows of live traffic; sequences were kept as they were padded then."""
    form: TruthForm = "values"
    if expected.classes is not None:
        form = "sets" if expected.are_sets else "classes"
    width = expected.classes or int(np.prod([axis or 1 for axis in expected.label.item_shape]))
    names = expected.class_names
    return Wanted(
        expected.signature, form, width, names, expected.min_rows, expected.min_classes,
        frozenset(expected.lengths), is_finite,
    )  # fmt: skip


def _padded(inputs: Tensors, expected: Expected) -> Tensors:
    """Arrays out of what has an array a row. Raises DataRefused where they would be too large."""
    lengths = expected.lengths
    return {
        name: values if values.dtype != object else _pad(name, list(values), expected, lengths)
        for name, values in inputs.items()
    }


def _pad(
    name: str, rows: list[np.ndarray], expected: Expected, lengths: dict[str, int | None]
) -> np.ndarray:
    if expected.sequences is not None and name in lengths:
        steps = lengths[name] or max(map(len, rows))
        cells, most = len(rows) * steps * rows[0][:1].size, DataLimits().max_cells
        if cells > most:
            wrong = f"{len(rows)} sequences padded to {steps} steps are {cells} numbers"
            raise DataRefused("feedback", "", wrong, f"at most {most}: give a limit or max_length")
        return pad(rows, expected.sequences, steps, rows[0].dtype)
    check_alike("feedback", name, {row.shape for row in rows})
    return np.stack(rows)
