"""What the head of an uploaded data file says: for which model, its name, its digest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from werkzeug.http import parse_options_header

from service.base.errors import RequestInvalid
from service.base.names import check_model_name
from service.repository.audit import check_why
from service.web.upload.head import (
    FORM,
    UploadHead,
    check_no_coding,
    is_post_to,
    read_query,
    told_digest,
    told_length,
)

PATH = re.compile(r"/v1/models/(?P<model>[^/:]+)/data/?")
END = "/data"
KNOWN = ("name", "why")
MAX_NAME = 200
ROWS = (".csv", ".parquet", ".npz", ".ndjson", ".jsonl", ".json")
WEIGHTS = (".h5", ".hdf5", ".hdf", ".keras", ".zip")  # the last is a checkpoint, which is several
SUFFIXES = (*ROWS, *WEIGHTS)
BODY = "data"


@dataclass(frozen=True, slots=True)
class DataHead(UploadHead):
    """The wishes of one upload; `name` is what its sender calls the file."""

    name: str = ""

    @property
    def suffix(self) -> str:
        """What tells the kind of file, in small letters."""
        return PurePosixPath(self.name).suffix.lower()


def is_data(method: str, path: str) -> bool:
    """True for the route of data files; quick for all others."""
    return is_post_to(method, path, END, PATH)


def read_data_head(path: str, query: str, headers: Mapping[str, str]) -> DataHead:
    """The wishes out of a decoded path, the query and headers with lower-case names.

    Raises RequestInvalid for what can't be understood.
    """
    match = PATH.fullmatch(path)
    model = check_model_name(match["model"] if match else "")
    check_no_coding(headers)
    kind, _ = parse_options_header(headers.get("content-type", ""))
    if kind == FORM:
        raise RequestInvalid(
            "Content-Type: a data file is the body itself, not part of a form; "
            "with curl: --data-binary @train.csv"
        )
    asked = read_query(query, KNOWN)
    return DataHead(
        model=model,
        filename=BODY,
        length=told_length(headers),
        sha256=told_digest(headers),
        why=check_why(asked.get("why", "")),
        name=_check_name(asked.get("name", "")),
    )


def _check_name(name: str) -> str:
    is_plain = name.isprintable() and not set(name) & set("/\\") and len(name) <= MAX_NAME
    suffix = PurePosixPath(name).suffix.lower()
    if not is_plain or suffix not in SUFFIXES:
        raise RequestInvalid(
            f"name: expected a file name that ends with one of {', '.join(SUFFIXES)} (a TensorFlow "
            f"checkpoint is sent as one .zip of its files), got {name[:80]!a}"
        )
    return name
