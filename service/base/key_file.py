"""The file of keys: who may ask, as `kerasd keys` writes it and web workers read it.

It holds the sha256 of each secret and never a key. It is replaced as a whole, by rename, so that
nobody ever reads half of it.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from service.base.durable import sync
from service.base.errors import KeysRefused
from service.base.faults import fault_text
from service.base.names import is_model_name
from service.base.rate import parse_rate
from service.base.roles import Role

MAX_FILE_BYTES = 4 * 1024 * 1024
RESERVED = frozenset(("anybody", "controller"))  # who else stands in the audit
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check_name(text: str) -> str:
    """The name if somebody may be called so: the rule for models' names. Raises ValueError."""
    if not is_model_name(text):
        raise ValueError("expected 1 to 128 ASCII letters, digits, '_', '.' or '-'")
    if text in RESERVED:
        raise ValueError(f"the name '{text}' is taken by the service itself")
    return text


def _check_rate(text: str) -> str:
    if text:
        parse_rate(text)
    return text


def _check_model(text: str) -> str:
    if not is_model_name(text):
        raise ValueError("expected the name of a model")
    return text


class KeyRecord(BaseModel):
    """What is kept of one key; without `models` it is for all of them, without `rate` for any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(check_name)]
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    models: tuple[Annotated[str, AfterValidator(_check_model)], ...] = ()
    rate: Annotated[str, AfterValidator(_check_rate)] = ""
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None

    def is_good(self, now: datetime) -> bool:
        """True if it may be used now."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    keys: tuple[KeyRecord, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> "KeyFile":
        if len({key.id for key in self.keys}) < len(self.keys):
            raise ValueError("two keys have the same id")
        return self


Edit = Callable[[tuple[KeyRecord, ...]], tuple[KeyRecord, ...]]


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """Everything in the file. Raises KeysRefused for one that is missing, broken, or not safe."""
    try:
        return KeyFile.model_validate_json(_read(path)).keys
    except OSError as error:
        raise KeysRefused(f"The file of keys {path}: {error.strerror}") from error
    except ValidationError as error:
        raise KeysRefused(f"The file of keys {path}: {_explain(error)}") from error


def change_keys(path: Path, edit: Edit) -> tuple[KeyRecord, ...]:
    """Replace the file's content; one at a time, and on the disk when this returns.

    `edit` gets what is there, nothing where there is no file. Raises KeysRefused.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path):
            keys = edit(read_keys(path) if os.path.lexists(path) else ())
            _write(path, KeyFile(keys=keys))
    except OSError as error:
        raise KeysRefused(f"The file of keys {path} can't be written: {error.strerror}") from error
    return keys


def _read(path: Path) -> bytes:
    try:
        real = path.resolve(strict=True)
    except RuntimeError as error:
        raise KeysRefused(f"The file of keys {path} is a link that leads to itself") from error
    if not real.is_relative_to(path.parent.resolve()):
        raise KeysRefused(f"The file of keys {path} is a link that leads out of its folder")
    handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        _check_safe(path, os.fstat(handle))
        return file.read(MAX_FILE_BYTES)


def _check_safe(path: Path, found: os.stat_result) -> None:
    """Refuse a file that somebody else could have written."""
    if not stat.S_ISREG(found.st_mode):
        raise KeysRefused(f"The file of keys {path} is no regular file")
    if found.st_mode & OTHERS_MAY_WRITE:
        raise KeysRefused(f"Others may write the file of keys {path}; mend it with: chmod 600")
    if found.st_uid not in (0, os.geteuid()):
        raise KeysRefused(f"The file of keys {path} belongs to another user")
    if found.st_size >= MAX_FILE_BYTES:
        raise KeysRefused(f"The file of keys {path} is larger than {MAX_FILE_BYTES} bytes")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for one's turn. The lock is a file of its own: that of the keys is replaced."""
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _give_away(handle, path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: KeyFile) -> None:
    text = orjson.dumps(content.model_dump(mode="json"), option=orjson.OPT_INDENT_2) + b"\n"
    real = path.resolve()
    aside = real.with_name(f".{real.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        aside.unlink()
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        _give_away(handle, real if real.exists() else real.parent)
        file.write(text)
    sync(aside)
    aside.replace(real)
    sync(real.parent)


def _give_away(handle: int, example: Path) -> None:
    """What root makes belongs to whose service reads it, by what was there before."""
    if os.geteuid() == 0:
        owner = example.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)


def _explain(error: ValidationError) -> str:
    """What is wrong and where, without what stands there."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in fault["loc"]) or "the whole"
        faults.append(f"{where}: {fault_text(fault)}")
    return "; ".join(faults)
