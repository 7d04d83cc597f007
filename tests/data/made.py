"""Good rows, and files of them in every format, for tests to damage."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.reader import read_dataset

FEATURES = np.arange(40, dtype=np.float32).reshape(10, 4)
LABELS = np.arange(10) % 2
NAMES = ("a", "b", "c", "d")
HEADER = "a,b,c,d,label\n"


def signature(
    *shapes: tuple[int | None, ...], outputs: int = 2, dtype: str = "float32"
) -> Signature:
    """Inputs of these shapes, called input, input_1 and so on."""
    inputs = [
        TensorSpec("input" if not n else f"input_{n}", dtype, (None, *shape))
        for n, shape in enumerate(shapes or ((4,),))
    ]
    return Signature(tuple(inputs), (TensorSpec("output", "float32", (None, outputs)),))


def expected(**changes: Any) -> Expected:
    """Four features, two classes."""
    return Expected(**{"signature": signature(), "classes": 2, **changes})


def read(path: Path, wanted: Expected | None = None, limits: DataLimits | None = None) -> Dataset:
    return read_dataset(path, wanted or expected(), limits or DataLimits())


def refusal(path: Path, wanted: Expected | None = None, limits: DataLimits | None = None) -> str:
    """Why a file is refused, without its name in front."""
    with pytest.raises(DataRefused) as caught:
        read(path, wanted, limits)
    name, _, text = str(caught.value).partition(": ")
    assert name == path.name
    return text


def csv_text(features: np.ndarray = FEATURES, labels: np.ndarray = LABELS) -> str:
    rows = (
        f"{','.join(map(str, row))},{label}\n" for row, label in zip(features, labels, strict=True)
    )
    return HEADER + "".join(rows)


def write_csv(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def write_members(path: Path, members: Mapping[str, bytes], packed: bool = False) -> Path:
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_json(path: Path, record: object) -> Path:
    path.write_text(record if isinstance(record, str) else json.dumps(record))
    return path


def write_lines(path: Path, *records: object) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in records)
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def write_parquet(path: Path, columns: Mapping[str, object], **options: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path, **options)
    return path


def table_columns(labels: object = LABELS) -> dict[str, object]:
    return {name: FEATURES[:, n] for n, name in enumerate(NAMES)} | {"label": labels}
