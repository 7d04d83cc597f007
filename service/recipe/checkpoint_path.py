"""The file name of a checkpoint in any style that people know, as one that Keras 3 accepts.

`cp.ckpt`, `training_1/cp-{epoch:04d}.ckpt`, `weights.{epoch:02d}-{val_loss:.2f}.hdf5`,
`/tmp/best_model`: each becomes one plain name below the job's own folder.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from string import Formatter

WEIGHTS = ".weights.h5"
WHOLE = ".keras"
HDF5 = ".h5"
OF_HDF5 = (".hdf5", ".h5", ".hdf")
# What people put at the end of it; longer ones go before those that they end with.
ENDINGS = (
    ".weights.hdf5", ".weights.h5", ".model.keras", ".keras", *OF_HDF5, ".ckpt", ".checkpoint",
    ".tf", ".index", ".pb", ".weights",
)  # fmt: skip
SEPARATOR = re.compile(r"[/\\]+")
STRANGE = re.compile(r"[^A-Za-z0-9_.=+-]")
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
SPEC = re.compile(r"0?[0-9]{0,2}(\.[0-9]{1,2})?[defgn%]?")
COUNTS = ("epoch", "batch")
LONG_NUMBER = 0.12345678901234568
MAX_NAME = 200  # with what stands before it while it is written, a disk takes 255 bytes
OLD = {"acc": "accuracy", "val_acc": "val_accuracy"}


@dataclass(frozen=True, slots=True)
class CheckpointPath:
    """A pattern for Keras, below the job's checkpoints; `change` says what was made of it."""

    pattern: str
    change: str


def check_path(given: str) -> None:
    """Raise ValueError for what can't be made a file name."""
    try:
        places = [(field, spec) for _, field, spec in _parsed(given) if field is not None]
    except ValueError as error:
        raise ValueError(f"its braces don't match: {error}") from None
    for field, spec in places:
        if not FIELD.fullmatch(field) or not SPEC.fullmatch(spec) or not _takes(field, spec):
            raise ValueError(
                f"'{{{field}{':' if spec else ''}{spec}}}' is no place for a number; expected "
                "one such as {epoch:02d} or {val_loss:.4f}"
            )
    kept = normalise(given, weights_only=True).pattern
    numbers = {field: _number(field) for _, field, _ in _parsed(kept) if field is not None}
    if len(kept.format(**numbers)) > MAX_NAME:
        raise ValueError(f"expected a name of at most {MAX_NAME} characters")


def normalise(given: str, weights_only: bool) -> CheckpointPath:
    """One plain name with the suffix that Keras 3 wants for what is kept."""
    parts = [part for part in SEPARATOR.split(given) if part.strip(".~")]
    is_folder_of_epoch = "{" in "".join(parts[:-1])
    name = "-".join(parts if is_folder_of_epoch else parts[-1:])
    ending = next((end for end in ENDINGS if name.lower().endswith(end)), "")
    stem = _plain(name[: len(name) - len(ending)])
    suffix = WEIGHTS if weights_only else HDF5 if ending.endswith(OF_HDF5) else WHOLE
    if not weights_only and ending == ".model.keras":
        suffix = ending
    pattern = f"{stem or 'checkpoint'}{suffix}"
    return CheckpointPath(pattern, "" if pattern == given else f"{given} is kept as {pattern}")


def normalise_all(wanted: Iterable[tuple[str, bool]]) -> list[CheckpointPath]:
    """The same for several, each with whether it is weights only; no two get the same name."""
    taken: set[str] = set()
    paths = []
    for given, weights_only in wanted:
        path = normalise(given, weights_only)
        number = 2
        while path.pattern in taken:
            pattern = f"{number}-{normalise(given, weights_only).pattern}"
            path = replace(path, pattern=pattern, change=f"{given} is kept as {pattern}")
            number += 1
        taken.add(path.pattern)
        paths.append(path)
    return paths


def names_in(pattern: str) -> tuple[str, ...]:
    """The metrics whose values stand in the file's name."""
    fields = (field for _, field, _ in _parsed(pattern))
    return tuple(field for field in fields if field is not None and field not in COUNTS)


def is_by_batch(pattern: str) -> bool:
    """Whether it names the batch, which is known only to what is kept every so many batches."""
    return any(field == "batch" for _, field, _ in _parsed(pattern))


def _takes(field: str, spec: str) -> bool:
    """Whether a number of this kind can be written so: no metric is a whole number."""
    try:
        format(_number(field), spec)
    except ValueError:
        return False
    return True


def _number(field: str) -> float:
    return 100_000 if field in COUNTS else LONG_NUMBER


def _parsed(pattern: str) -> list[tuple[str, str | None, str]]:
    """Text, name of the place after it, its format; a conversion such as `!r` is part of that."""
    return [
        (text, field, f"!{conversion}" if conversion else spec or "")
        for text, field, spec, conversion in Formatter().parse(pattern)
    ]


def _plain(stem: str) -> str:
    """The name without what doesn't belong in one; the places for numbers stay."""
    result = ""
    for text, field, spec in _parsed(stem):
        result += STRANGE.sub("_", text)
        if field is not None:
            result += f"{{{OLD.get(field, field)}{':' if spec else ''}{spec}}}"
    return result.lstrip(".-")
