"""Captured inputs that a version has answered and that none can learn from, counted by why."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from service.base.refusals import DataRefused
from service.base.signature import Tensors, TensorSpec

WAY_OUT = "finite numbers: forget those predictions, or take a time or versions without them"


def note_unfit(unfit: Counter[str], inputs: Tensors, specs: Iterable[TensorSpec]) -> None:
    """Count the rows that an input can't learn from, each once for each input."""
    for spec in specs:
        rows = _unfit_rows(inputs[spec.name], spec)
        if rows:
            what = "NaN or infinite" if spec.vocabulary is None else "not of its vocabulary"
            unfit[f"have values that are {what} in the input '{spec.name}'"] += rows


def refuse_unfit(where: str, unfit: Counter[str]) -> None:
    """Raise DataRefused if there are any."""
    if unfit:
        wrong = "; ".join(f"{rows} rows {why}" for why, rows in sorted(unfit.items()))
        raise DataRefused(where, "", wrong, WAY_OUT)


def _unfit_rows(values: np.ndarray, spec: TensorSpec) -> int:
    if values.dtype == object:  # an array a row
        return sum(_unfit_rows(row[None], spec) for row in values)
    if spec.vocabulary is not None:
        is_fit = (values >= 0) & (values < spec.vocabulary)
    else:
        with np.errstate(over="ignore"):  # a double that the input can't hold becomes infinite
            is_fit = np.isfinite(values.astype(spec.numpy_dtype))
    return int((~is_fit).any(axis=tuple(range(1, is_fit.ndim))).sum())
