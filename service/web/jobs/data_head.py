"""What the head of an uploaded data file says: for which model, its name, its digest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from werkzeug.http import parse_options_header

from service.base.errors import RequestInvalid
from service.base.names import check_model_name
from service.repository.audit import check_why
from service.web.upload.head import FORM, UploadHead, check_no_coding, read_query, told_digest

PATH = re.compile(r"/v1/models/(?P<model>[^/:]+)/data/?")
END = "/data"
KNOWN = ("name", "why")
MAX_NAME = 200
SUFFIXES = (".csv", ".parquet", ".npz", ".ndjson", ".jsonl", ".json", ".h5", ".keras")
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
    if method != "POST" or path.rstrip("/")[-len(END) :] != END:
        return False
    return PATH.fullmatch(path) is not None


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
    length = headers.get("content-length", "")
    return DataHead(
        model=model,
        filename=BODY,
        length=int(length) if length.isascii() and length.isdigit() else None,
        sha256=told_digest(headers),
        why=check_why(asked.get("why", "")),
        name=_check_name(asked.get("name", "")),
    )


def _check_name(name: str) -> str:
    is_plain = name.isprintable() and not set(name) & set("/\\") and len(name) <= MAX_NAME
    suffix = PurePosixPath(name).suffix.lower()
    if not is_plain or suffix not in SUFFIXES:
        raise RequestInvalid(
            f"name: expected a file name that ends with one of {', '.join(SUFFIXES)}, "
            f"got {name[:80]!a}"
        )
    return name
