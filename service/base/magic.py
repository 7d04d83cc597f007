"""What kind of file this is by its first bytes; a name promises nothing."""

import os
import stat
from pathlib import Path
from typing import Literal

Kind = Literal["hdf5", "zip", "json", "other"]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
UTF8_MARK = b"\xef\xbb\xbf"
HEAD_BYTES = 64
# What is found under the name of a model without being one, and what to do about it.
STRANGERS = (
    (b"version https://git-lfs", "is a git-lfs pointer, not the file itself: run git lfs pull"),
    (b"<!doctype html", "is an HTML page, most likely of a failed download: download it again"),
    (b"<html", "is an HTML page, most likely of a failed download: download it again"),
    (b"<?xml", "is an XML document, most likely of a failed download: download it again"),
    *(
        (bytes([0x80, protocol]), "is a Python pickle, which is never opened: save it with Keras")
        for protocol in (2, 3, 4, 5)
    ),
    (b"\x93numpy", "is a NumPy array, not a model"),
    (b"\x1f\x8b", "is compressed by gzip: unpack it"),
    (b"pk\x05\x06", "is a zip archive without members"),
)


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
    if head.removeprefix(UTF8_MARK).lstrip()[:1] in (b"{", b'"'):
        return "json"
    return "other"


def tell_stranger(path: Path) -> str:
    """What a file of the kind `other` is instead of a model; empty when nobody knows."""
    head = read_head(path)
    if not head:
        return "is empty"
    start = head.removeprefix(UTF8_MARK).lstrip().lower()
    return next((told for mark, told in STRANGERS if start.startswith(mark)), "")
