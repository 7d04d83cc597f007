"""What kind of file this is by its first bytes; a name promises nothing."""

import os
import stat
from pathlib import Path
from typing import Literal

Kind = Literal["hdf5", "zip", "json", "other"]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
HEAD_BYTES = 64


def read_head(path: Path) -> bytes:
    """The first bytes of a regular file; nothing of a FIFO, device or folder, and no waiting."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        return os.read(handle, HEAD_BYTES)
    finally:
        os.close(handle)


def kind_of(path: Path) -> Kind:
    """The file's kind; `json` only says that it begins like a JSON object or string."""
    head = read_head(path)
    if head.startswith(HDF5_SIGNATURE):
        return "hdf5"
    if head.startswith(ZIP_SIGNATURE):
        return "zip"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b'"'):
        return "json"
    return "other"
