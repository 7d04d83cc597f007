"""Read one data file, whatever its format."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from service.base.refusals import DataRefused
from service.base.signature import STRING
from service.data.csv_table import read_csv
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.format import HEAD_BYTES, Format, tell_format
from service.data.json_object import read_json
from service.data.ndjson import read_ndjson
from service.data.npz import read_npz
from service.data.parquet import read_parquet
from service.data.source import Source
from service.data.wording import file_text, quoted

READERS: dict[Format, Callable[[Source, Expected, DataLimits], Dataset]] = {
    "npz": read_npz,
    "parquet": read_parquet,
    "csv": read_csv,
    "json": read_json,
    "ndjson": read_ndjson,
}


def read_dataset(path: Path, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a data file as arrays for the model. Raises DataRefused."""
    file = file_text(path.name)
    _check_inputs(file, expected)
    with open_regular(path, file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > limits.max_bytes:
            raise DataRefused(file, "", f"has {size} bytes", f"at most {limits.max_bytes}")
        kind = tell_format(file, os.pread(stream.fileno(), HEAD_BYTES, 0), path.suffix.lower())
        return READERS[kind](Source(file, stream, size), expected, limits)


def open_regular(path: Path, file: str) -> BinaryIO:
    """A regular file, opened without waiting: a FIFO would wait for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise DataRefused(file, "", f"can't be opened ({type(error).__name__})") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DataRefused(file, "", "is no regular file")
    return os.fdopen(handle, "rb")


def _check_inputs(file: str, expected: Expected) -> None:
    for spec in expected.signature.inputs:
        if spec.dtype == STRING:
            why = f"the model's input {quoted(spec.name)} takes texts"
            raise DataRefused(file, "", why, "a model whose inputs are numbers")
