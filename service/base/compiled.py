"""A compiled version on disk: a folder named by content, with the record `compiled.json`.

Layout:  <state>/compiled/<key>/compiled.json + model.onnx (or saved_model/ for TensorFlow).
The key is the sha256 over the source files' digests and the compiler's own revision, so a changed
file or a changed compiler never meets an old result.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson

from service.base.durable import sync
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature

RECORD = "compiled.json"
ONNX_FILE = "model.onnx"
SAVED_MODEL = "saved_model"
COMPILER_REVISION = 3
UNNAMED = ".unnamed"
ASIDE = ".corrupt"  # a folder with this name is out of the way
FETCHED = ".fetched"  # a file in a folder that came from elsewhere: see `repository/fetched.py`
NOT_EXAMINED = "its operations have not been examined"

Runtime = Literal["onnx", "tensorflow"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What is known of a compiled version; `files` maps each file to its sha256.

    `free_axis` is a length of free axes at which the model gives an answer; `engine` is the Keras
    that built it: `keras`, `tf_keras`, or `tensorflow` for a SavedModel. `rows_doubt` says why a
    row's answer may depend on the rows beside it; it is empty where the graph proves that it can't.
    """

    key: str
    runtime: Runtime
    signature: Signature
    files: Mapping[str, str]
    format: str
    keras_version: str
    parameters: int
    max_relative_error: float
    notes: tuple[str, ...]
    took_s: float
    free_axis: int = 8
    engine: str = "keras"
    rows_doubt: str = NOT_EXAMINED

    def write(self, folder: Path) -> None:
        """Write the record; it comes last, so a folder without it is incomplete."""
        record = {**asdict(self), "files": dict(self.files), "signature": self.signature.as_json()}
        (folder / RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))


def cache_key(digests: Mapping[str, str], options: str = "") -> str:
    """The key of source files, given as name -> sha256; names count, for roles follow from them.

    `options` is what the operator said that changes the outcome (`LoadOptions.key`).
    """
    text = "\n".join([*(f"{name} {digests[name]}" for name in sorted(digests)), options])
    return hashlib.sha256(f"{COMPILER_REVISION}\n{text}".encode()).hexdigest()


def read_compiled(folder: Path) -> Compiled:
    """Read a folder's record. Raises ArtefactCorrupt if it is missing or isn't one."""
    try:
        record = orjson.loads((folder / RECORD).read_bytes())
        record["signature"] = Signature.from_json(record["signature"])
        record["notes"] = tuple(record["notes"])
        return Compiled(**record)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtefactCorrupt(
            folder.name, f"its record can't be read ({type(error).__name__})"
        ) from error


def read_verified(folder: Path, compiled: Compiled, name: str) -> bytes:
    """One file's bytes, after its digest was checked. Raises ArtefactCorrupt."""
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ArtefactCorrupt(f"{folder.name}/{name}", str(error.strerror)) from error
    if hashlib.sha256(content).hexdigest() != compiled.files.get(name):
        raise ArtefactCorrupt(f"{folder.name}/{name}", "its sha256 isn't the recorded one")
    return content


def verify_files(folder: Path, compiled: Compiled) -> None:
    """Check that every recorded file is there, unchanged. Raises ArtefactCorrupt."""
    for name in compiled.files:
        read_verified(folder, compiled, name)


def discard(folder: Path) -> None:
    """Take a corrupt folder out of the way, so that it is compiled anew, if it may be."""
    with suppress(OSError):
        folder.rename(folder.with_name(f"{folder.name}{ASIDE}"))


def digest_tree(folder: Path) -> dict[str, str]:
    """The sha256 of every file below a folder, by relative path."""
    return {
        str(path.relative_to(folder)): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest_file(path: Path) -> str:
    """The sha256 of one regular file; what has become something else meanwhile is an OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unnamed_mark(folder: Path) -> Path:
    """The file beside a compiled folder that tells, by its time, since when nothing names it."""
    return folder.with_name(f"{folder.name}{UNNAMED}")


def publish(scratch: Path, target: Path) -> None:
    """Move a finished folder to its final name in one step, durable before it is visible."""
    for path in scratch.rglob("*"):
        if path.is_file():
            sync(path)
    sync(scratch)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target.with_name(f"{target.name}{ASIDE}"), ignore_errors=True)
    if target.exists():  # an incomplete or corrupt predecessor; a complete one has the same content
        shutil.rmtree(target)
    scratch.rename(target)
    sync(target.parent)
