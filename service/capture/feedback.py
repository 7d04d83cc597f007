"""Captured inputs meet the labels that came for them: which rows there are to learn from.

Only ids are read here, and inputs whose rows must have one shape or that may have NaN, hour after
hour and the newest first, so that millions of rows take little memory; `training.feedback_rows`
then reads the inputs of those that are chosen.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from service.base.refusals import DataRefused
from service.base.signature import STRING, Tensors
from service.capture.choice import Choice, draw, most_of_each
from service.capture.decoding import CapturedIds
from service.capture.label_table import KEY, Labels, LabelTable, tables
from service.capture.layout import HOUR, CapturedFile
from service.capture.reader import form_of, hours, read_ids, read_rows, reading
from service.capture.unfit import note_unfit, refuse_unfit
from service.capture.wanted import Wanted, misfit

NO_TRUTH = np.zeros(0, np.int64)

Part = tuple[np.ndarray, np.ndarray]  # keys and labels


@dataclass(frozen=True, slots=True)
class LiveRows:
    """Where the rows of a model come from."""

    capture_dir: Path
    labels: Labels
    model: str

    @property
    def folder(self) -> Path:
        """The folder of its captured inputs."""
        return self.capture_dir / self.model

    @property
    def name(self) -> str:
        """What they are called in messages."""
        return f"feedback of model '{self.model}'"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows there are to learn from, and why others can't be used.

    `labelled` rows have a label, `rows` have inputs as well and are chosen; `counts` are those by
    class, empty for numbers. `unusable` has others by the reason why they aren't.
    """

    rows: int
    labelled: int
    counts: Mapping[str, int]
    unusable: Mapping[str, int]


@dataclass(slots=True)
class _Found:
    """What was met so far; `unfit` is none where inputs aren't looked at for that."""

    parts: list[Part] = field(default_factory=list)
    rows: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    strange: Counter[int] = field(default_factory=Counter)
    shapes: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    unfit: Counter[str] | None = None


def count(live: LiveRows, wanted: Wanted, choice: Choice) -> Counted:
    """How many rows `choose` would find, in little memory. Raises DataRefused as it does, and for
    inputs that whoever reads those of the chosen rows would refuse.
    """
    found = _find(live, wanted, choice, keep_keys=False)
    classes = _classes(wanted, [truth for _, truth in found.parts])
    counts = most_of_each(choice, classes) if choice.is_drawn else classes
    rows = int(counts.sum()) if choice.is_drawn else found.rows
    return _check(live, wanted, _told(live, wanted, choice, found, (rows, counts)), found)


def choose(
    live: LiveRows, wanted: Wanted, choice: Choice
) -> tuple[np.ndarray, np.ndarray, Counted]:
    """The keys of the chosen rows in the order of their times, their labels, and the counts.

    Raises DataRefused where there is too little to learn from, or labels that the model hasn't.
    """
    found = _find(live, wanted, choice, keep_keys=True)
    keys = np.concatenate([np.zeros(0, KEY), *(keys for keys, _ in reversed(found.parts))])
    truths = [truth for _, truth in reversed(found.parts)]
    truth = np.concatenate(truths) if truths else NO_TRUTH
    if choice.is_drawn:
        drawn = draw(choice, keys, truth)
        keys, truth = keys[drawn], truth[drawn]
    told = _told(live, wanted, choice, found, (len(keys), _classes(wanted, [truth])))
    return keys, truth, _check(live, wanted, told, found)


def check_enough(live: LiveRows, wanted: Wanted, truth: np.ndarray, counted: Counted) -> Counted:
    """What was counted, of the rows that are left. Raises DataRefused where these are too few."""
    counts = _classes(wanted, [truth])
    named = {wanted.name_of(index): n for index, n in enumerate(counts.tolist())}
    left = replace(counted, rows=len(truth), counts=named)
    return _check(live, wanted, left, _Found(rows=len(truth)))


def _find(live: LiveRows, wanted: Wanted, choice: Choice, *, keep_keys: bool) -> _Found:
    """The rows that have both, the newest first, until there are as many as are wanted."""
    if choice.is_drawn and wanted.form != "classes":
        wrong = "rows can't be drawn by class"
        raise DataRefused(live.name, "", wrong, "a model that decides between classes")
    texts = [spec.name for spec in wanted.signature.inputs if spec.dtype == STRING]
    if texts:
        wrong = f"the model's input '{texts[0]}' takes texts"
        raise DataRefused(live.name, "", wrong, "a model whose inputs are numbers")
    found = _Found(shapes={name: set() for name in wanted.alike})
    if wanted.is_finite and not keep_keys:  # else the inputs of the chosen are read after this
        found.unfit = Counter()
    with reading(live.folder):
        for files in hours(live.folder, choice.since, choice.until, latest_first=True):
            keys, truth = _join_hour(live, wanted, choice, files, found)
            more = choice.limit - found.rows
            keys, truth = keys[-more:], truth[-more:]
            found.rows += len(keys)
            if len(keys):
                found.parts.append((keys if keep_keys else keys[:0], truth))
            if found.rows >= choice.limit:
                break
    if choice.is_drawn or found.rows >= choice.limit:  # who reads the chosen ones will see
        found.unfit = None
    else:
        for name, shapes in found.shapes.items():
            check_alike(live.name, name, shapes)
    return found


def check_alike(where: str, name: str, shapes: Collection[tuple[int, ...]]) -> None:
    """Raise DataRefused if an input's rows that nothing pads have several shapes."""
    if len(shapes) > 1:
        wrong = f"the input '{name}' has rows of {len(shapes)} different shapes"
        least = "a section sequences in model.yaml, which says how they are padded"
        raise DataRefused(where, "", wrong, least)


def _join_hour(
    live: LiveRows, wanted: Wanted, choice: Choice, files: list[CapturedFile], found: _Found
) -> Part:
    """The rows of an hour that have both, in order."""
    named = [f for f in files if choice.versions is None or f.version in choice.versions]
    parts: list[Part] = []
    if named:
        since, until = named[0].hour * HOUR, (named[0].hour + 1) * HOUR
        span = max(since, choice.since or since), min(until, choice.until or until)
        labels = tables(live.labels.labels(live.model, *span, {f.version for f in named}))
        for file in named:
            table = labels.get(file.version)
            if table is not None:
                parts += _join_file(live, wanted, file, table, found)
    if not parts:
        return np.zeros(0, KEY), NO_TRUTH
    keys, first = np.unique(np.concatenate([keys for keys, _ in parts]), return_index=True)
    return keys, np.concatenate([truth for _, truth in parts])[first]


def _join_file(
    live: LiveRows, wanted: Wanted, file: CapturedFile, table: LabelTable, found: _Found
) -> Iterator[Part]:
    form = form_of(file)
    if form is None:
        return
    why = misfit(form, wanted)
    if table.form != wanted.form or (table.form != "classes" and table.width != wanted.width):
        why = f"have labels of another kind: {table.form}, {table.width} wide"
    for ids, inputs in _batches(live, file, bool(found.shapes) or found.unfit is not None):
        places, keys, truth = table.find(ids)
        if why:
            found.unusable[why] += len(keys)
            continue
        for name, shapes in found.shapes.items():
            shapes.update(values.shape for values in inputs[name][places])
        if found.unfit is not None:
            taken = {name: values[places] for name, values in inputs.items()}
            note_unfit(found.unfit, taken, wanted.signature.inputs)
        if wanted.form == "classes":
            is_known = truth < wanted.width
            found.strange.update(truth[~is_known].tolist())
            keys, truth = keys[is_known], truth[is_known]
        yield keys, truth


def _batches(
    live: LiveRows, file: CapturedFile, with_inputs: bool
) -> Iterator[tuple[CapturedIds, Tensors]]:
    """The ids of a file; with its inputs where these have to be known."""
    forgotten = partial(live.labels.forgotten, live.model)
    if with_inputs:
        yield from ((rows.ids, rows.inputs) for rows in read_rows(file, forgotten))
    else:
        yield from ((ids, {}) for ids in read_ids(file, forgotten))


def _classes(wanted: Wanted, truths: list[np.ndarray]) -> np.ndarray:
    """How many rows each class has; in sets a row may count for several."""
    counts = np.zeros(wanted.width if wanted.form != "values" else 0, np.int64)
    for truth in truths:
        if wanted.form == "classes":
            counts += np.bincount(truth, minlength=wanted.width)
        elif wanted.form == "sets" and len(truth):
            counts += truth.sum(axis=0)
    return counts


def _told(
    live: LiveRows,
    wanted: Wanted,
    choice: Choice,
    found: _Found,
    taken: tuple[int, np.ndarray],
) -> Counted:
    labelled = live.labels.count_labels(live.model, choice.since, choice.until, choice.versions)
    rows, classes = taken
    counts = {wanted.name_of(index): n for index, n in enumerate(classes.tolist())}
    return Counted(rows, labelled, counts, dict(found.unusable))


def _check(live: LiveRows, wanted: Wanted, told: Counted, found: _Found) -> Counted:
    """Raise DataRefused unless there is enough to learn from."""
    refuse_unfit(live.name, found.unfit or Counter())
    if found.strange:
        several = ", ".join(f"{index} ({n})" for index, n in sorted(found.strange.items())[:10])
        wrong = f"{found.strange.total()} rows have classes that the model hasn't: {several}"
        least = f"classes from 0 to {wanted.width - 1}, or the versions that have no others"
        raise DataRefused(live.name, "", wrong, least)
    if told.rows < wanted.min_rows:
        raise DataRefused(live.name, "", _few(told, found.rows), f"at least {wanted.min_rows}")
    present = [name for name, n in told.counts.items() if n]
    if wanted.form == "classes" and len(present) < wanted.min_classes:
        wrong = f"all {told.rows} rows have the label {present[0]}"
        raise DataRefused(live.name, "", wrong, f"at least {wanted.min_classes} classes")
    return told


def _few(told: Counted, joined: int) -> str:
    """How few rows there are, and what became of the others."""
    wrong = f"has {told.rows} rows with both inputs and a label, of {told.labelled} with a label"
    others = told.labelled - joined - sum(told.unusable.values())
    reasons = [f"{n} {why}" for why, n in told.unusable.items()]
    if others > 0:
        reasons.append(f"of {others} no inputs were kept (model.yaml: capture)")
    return wrong + (f"; {'; '.join(reasons)}" if reasons else "")
