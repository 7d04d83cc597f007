"""Which rows are learned from, which validate, which are held out: pure functions of the rows."""

from collections.abc import Iterable

import numpy as np

from service.recipe.data import Split

TRAIN, VALIDATION, HELD_OUT = PARTS = ("train", "validation", "held_out")
KEYS = 2.0**64


def assign(
    keys: np.ndarray, split: Split, labels: np.ndarray | None, times: np.ndarray | None
) -> np.ndarray:
    """The part of each row, as its place in PARTS.

    `labels` are class indices for a stratified split, `times` are there for one by time.
    """
    if split.by == "hash":
        return _by_hash(keys, split)
    if split.by == "stratified" and labels is not None:
        return _stratified(keys, split, labels)
    if split.by == "time" and times is not None:
        return _by_time(keys, split, times)
    raise ValueError(f"a split by {split.by} without what it goes by")


def most_held_out(split: Split, rows: int, classes: Iterable[int]) -> int:
    """How many of so many rows can be held out at most; exactly so many but for a split by hash.

    `classes` has the number of rows of each.
    """
    if split.by == "hash":
        return rows if split.held_out else 0
    if split.by == "stratified":
        return sum(_share(split.held_out, count) for count in classes)
    return _share(split.held_out, rows)


def _by_hash(keys: np.ndarray, split: Split) -> np.ndarray:
    """By the key alone: a row stays in its part, whatever rows there are beside it.

    The two parts grow from the two ends, so that the share of one doesn't move the other.
    """
    place = keys.astype(np.float64) / KEYS
    parts = np.zeros(len(keys), np.int8)
    parts[place >= 1 - split.validation] = PARTS.index(VALIDATION)
    parts[place < split.held_out] = PARTS.index(HELD_OUT)
    return parts


def _stratified(keys: np.ndarray, split: Split, labels: np.ndarray) -> np.ndarray:
    """The same share of each class, in the order of the keys."""
    parts = np.zeros(len(keys), np.int8)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(keys[rows], kind="stable")]
        held_out = _share(split.held_out, len(rows))
        validation = _share(split.validation, len(rows))
        parts[rows[len(rows) - validation :]] = PARTS.index(VALIDATION)
        parts[rows[:held_out]] = PARTS.index(HELD_OUT)
    return parts


def _by_time(keys: np.ndarray, split: Split, times: np.ndarray) -> np.ndarray:
    """The newest rows are held out, those before them validate."""
    newest_first = np.lexsort((keys, times))[::-1]
    held_out = _share(split.held_out, len(keys))
    validation = _share(split.validation, len(keys))
    parts = np.zeros(len(keys), np.int8)
    parts[newest_first[: held_out + validation]] = PARTS.index(VALIDATION)
    parts[newest_first[:held_out]] = PARTS.index(HELD_OUT)
    return parts


def _share(share: float, rows: int) -> int:
    """So many of the rows; at least one where there are three and a share is wanted."""
    least = 1 if share and rows >= 3 else 0
    return max(round(share * rows), least)
