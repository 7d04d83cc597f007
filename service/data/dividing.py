"""The rows of a request in their parts, whether each has enough of them, and the facts of it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.base.refusals import DataRefused
from service.data.dataset import Dataset, Expected
from service.data.finishing import count_classes
from service.data.row_keys import row_keys
from service.data.splitting import HELD_OUT, PARTS, TRAIN, VALIDATION, assign
from service.data.wording import listing, quoted
from service.recipe.data import Split

CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a data set, by their places in it; none is all of them."""

    data: Dataset
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return self.data.rows if self.rows is None else len(self.rows)

    @property
    def labels(self) -> np.ndarray:
        """Its labels."""
        return self.data.labels if self.rows is None else self.data.labels[self.rows]


@dataclass(frozen=True, slots=True)
class Division:
    """How rows are to be divided, and how many each part needs.

    Without a split all rows are one part, `held_out`. `others` are parts that have data of their
    own. `held_out_rows` is the least for that part.
    """

    split: Split | None
    others: Mapping[str, Dataset] = field(default_factory=dict)
    held_out_rows: int = 1


@dataclass(frozen=True, slots=True)
class Divided:
    """The parts by name, and the facts of all of them as plain JSON."""

    parts: Mapping[str, Part]
    facts: dict[str, Any]


def divide(name: str, data: Dataset, expected: Expected, division: Division) -> Divided:
    """Put each row into its part. Raises DataRefused, with the data's name, for too small ones."""
    split, others = division.split, division.others
    warnings = [*data.warnings]
    if split is None:
        parts = {HELD_OUT: Part(data)}
    else:
        keys = row_keys(data.inputs, expected, split.seed)
        parts = _split(name, data, keys, expected, division)
        _check(name, parts, expected, _left_of(split, others), division.held_out_rows)
        if split.by != "hash" or others:  # else the same values are in the same part
            warnings += _repeated(parts, keys, expected, split.seed)
    counts = {part: count_classes(rows.labels, expected) for part, rows in parts.items()}
    warnings += _rare(counts, expected)
    facts = {
        "sha256": _digest([data, *others.values()]),
        "rows": sum(map(len, parts.values())),
        "parts": {part: len(rows) for part, rows in parts.items()},
        "counts": {part: dict(found) for part, found in counts.items() if found},
        "split": _told(split, others),
        "warnings": warnings,
    }
    return Divided(parts, facts)


def check_columns(name: str, data: Dataset, first: Dataset) -> None:
    """Raise DataRefused where the columns of another file would fill the inputs otherwise."""
    if len(data.columns) != len(first.columns):
        return  # lists or arrays, whose places don't follow from names
    for ours, theirs in zip(data.columns, first.columns, strict=True):
        if ours != theirs:
            wrong = f"has the feature {quoted(ours)} where the rows to learn from have"
            wanted = "the same columns in the same order, or columns.features"
            raise DataRefused(name, "", f"{wrong} {quoted(theirs)}", wanted)


def _split(
    name: str, data: Dataset, keys: np.ndarray, expected: Expected, division: Division
) -> dict[str, Part]:
    split, others = division.split, division.others
    assert split is not None
    if split.by == "stratified" and (expected.classes is None or expected.are_sets):
        wrong = "a stratified split needs one class a row"
        raise DataRefused(name, "data.split", wrong, "hash, or time")
    if split.by == "time" and data.times is None:
        raise DataRefused(name, "data.split", "there are no times", "columns.time, or hash")
    places = assign(keys, _left_of(split, others), data.labels, data.times)
    parts = {part: Part(data, np.flatnonzero(places == at)) for at, part in enumerate(PARTS)}
    return {**parts, **{part: Part(other) for part, other in others.items()}}


def _left_of(split: Split, others: Mapping[str, Dataset]) -> Split:
    """The split without the parts that have data of their own."""
    return split.model_copy(update=dict.fromkeys(others, 0.0))


def _check(
    name: str, parts: Mapping[str, Part], expected: Expected, own: Split, held_out_rows: int
) -> None:
    """Raise DataRefused where a part that is wanted has too few rows."""
    total = sum(map(len, parts.values()))
    least = {TRAIN: expected.min_rows}
    if own.validation:
        least[VALIDATION] = 1
    least[HELD_OUT] = held_out_rows  # also where it has a file of its own, or no share
    few = [part for part, rows in least.items() if len(parts[part]) < rows]
    if few:
        told = ", ".join(f"{part} {len(rows)}" for part, rows in parts.items())
        wrong = f"of {total} rows too few are left for {few[0]} (split by {own.by}: {told})"
        wanted = f"at least {least[few[0]]}: more rows, a larger share, or a file of its own"
        raise DataRefused(name, "data.split", wrong, wanted)
    train = parts[TRAIN].labels
    if expected.classes is not None and not expected.are_sets and len(np.unique(train)) < 2:
        wrong = f"all {len(train)} rows to learn from have the label {_name(expected, train[0])}"
        raise DataRefused(name, "data.split", wrong, "at least two classes")


def _rare(counts: Mapping[str, Mapping[str, int]], expected: Expected) -> Iterator[str]:
    """A warning for each part that has no row of a class."""
    for part, found in counts.items():
        missing = tuple(name for name, count in found.items() if not count)
        if missing and len(missing) < len(expected.class_names):
            yield f"{part} has no row of {listing(missing)}"


def _repeated(
    parts: Mapping[str, Part], keys: np.ndarray, expected: Expected, seed: int
) -> Iterator[str]:
    """A warning where rows that are held back have the values of rows to learn from."""
    learnt = keys[parts[TRAIN].rows]
    for name in (VALIDATION, HELD_OUT):
        part = parts[name]
        held = row_keys(part.data.inputs, expected, seed) if part.rows is None else keys[part.rows]
        count = int(np.isin(held, learnt).sum())
        if count:
            yield f"{count} of {len(held)} rows of {name} are in {TRAIN} as well"


def _digest(datasets: list[Dataset]) -> str:
    """The sha256 of all rows: inputs, labels, weights and times, in the order of the file."""
    digest = hashlib.sha256()
    for data in datasets:
        for values in (*data.inputs.values(), data.labels, data.weights, data.times):
            if values is None:
                digest.update(b"none")
                continue
            digest.update(f"{values.dtype.str} {values.shape}".encode())
            step = max(CHUNK_BYTES // max(values[:1].nbytes, 1), 1)
            for start in range(0, len(values), step):
                digest.update(np.ascontiguousarray(values[start : start + step]).tobytes())
    return digest.hexdigest()


def _told(split: Split | None, others: Mapping[str, Dataset]) -> dict[str, Any]:
    if split is None:
        return {}
    shares = _left_of(split, others).model_dump(mode="json")
    return {**shares, "files": sorted(others)}


def _name(expected: Expected, label: Any) -> str:
    return expected.class_names[int(label)]
