"""Answered predictions, and files of them as workers write them."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from service.base.signature import Signature, Tensors, TensorSpec
from service.capture.answered import Answered, bytes_of
from service.capture.encoding import encode
from service.capture.layout import HOUR, CapturedFile, files, hour_of, path_of
from service.capture.parquet import write_parquet
from service.capture.schema import Form, input_form
from tests.capture.everything import NOBODY, captured

NOON = 500_000 * HOUR
IDS = np.dtype("S16")
PLAIN = Signature(
    (TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, 3)),)
)


def id_of(name: str) -> bytes:
    """An id, which looks as if drawn."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def ids(*names: str) -> np.ndarray:
    """Ids in order, as the store tells them."""
    return np.sort(np.frombuffer(b"".join(map(id_of, names)), IDS))


def answered(
    name: str, inputs: Tensors, at: int = NOON, own: str = "", classes: Sequence[int] = ()
) -> Answered:
    """One prediction."""
    rows = len(next(iter(inputs.values())))
    decided = np.array(classes, np.int64) if classes else None
    scores = np.full(rows, 0.5, np.float32) if classes else None
    named = id_of(own) if own else b""
    return Answered(id_of(name), named, at, rows, inputs, decided, scores, bytes_of(inputs))


def row_of(number: float) -> Tensors:
    """The inputs of a prediction of one row."""
    return {"x": np.array([[number, number + 0.25, number + 0.5]], np.float32)}


def form_of(signature: Signature = PLAIN, model: str = "m", version: int = 1) -> Form:
    """Everything of a version's inputs."""
    return Form(model, version, tuple(map(input_form, signature.inputs)))


def write(
    folder: Path,
    some: Sequence[Answered],
    writer: int = 1,
    number: int = 1,
    form: Form | None = None,
) -> Path:
    """A file as a worker writes it, below the folder of all models."""
    form = form or form_of()
    group = (hour_of(some[0].at), form.version, form.digest)
    path = path_of(folder / form.model, group, f"{writer:012x}", number)
    assert write_parquet(path, form, [encode(form, some)]) == sum(one.rows for one in some)
    return path


def write_each(folder: Path, names: Iterable[str], at: int = NOON) -> list[Path]:
    """A file for each of these predictions of one row."""
    return [
        write(folder, [answered(name, row_of(number), at)], number=number)
        for number, name in enumerate(names, 1)
    ]


def numbers(folder: Path, gone: np.ndarray = NOBODY, model: str = "m") -> list[float]:
    """What is read: the first number of each row, in order."""
    found = [rows.inputs["x"][:, 0] for rows in captured(folder, model, forgotten=lambda: gone)]
    return sorted(np.concatenate(found).tolist()) if found else []


def listed(folder: Path, model: str = "m") -> list[CapturedFile]:
    """The files of a model."""
    return list(files(folder / model))
