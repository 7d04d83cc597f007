"""One upload's body, piece by piece to the disk, digested on the way; by one thread at a time."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.base.durable import storing
from service.base.errors import RequestInvalid
from service.base.http_errors import UploadRefused, UploadTooLarge
from service.base.magic import HDF5_SIGNATURE, ZIP_SIGNATURE
from service.base.owned_folder import OwnedFolder, hold_folder, sweep
from service.web.upload.form import Form, Target
from service.web.upload.head import UploadHead
from service.web.upload.names import check_file_name

WHERE = "state directory"
PREFIX = "upload-"
HEAD_BYTES = 8
WHOLE = "body"
DEFAULT_NAMES = ((HDF5_SIGNATURE, "model.h5"), (ZIP_SIGNATURE, "model.keras"))


@dataclass(frozen=True, slots=True)
class Received:
    """What came: files by the names they were given, their digests, and a form's fields."""

    files: Mapping[str, Path]
    digests: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """Where bodies go and how large one may be, by which setting; SavedModels have folders."""

    folder: Path
    max_bytes: int
    may_have_folders: bool = False
    setting: str = "max_upload_mb"


class Receiver:
    """Writes nothing before the first piece; `close` removes all of it, and ends it.

    `admit` may refuse the upload before that.
    """

    def __init__(
        self,
        head: UploadHead,
        rules: Rules,
        done: Callable[[], None],
        admit: Callable[[UploadHead], None] = lambda _head: None,
    ) -> None:
        self.head = head
        self._rules = rules
        self._admit: Callable[[UploadHead], None] | None = admit
        self._done: Callable[[], None] | None = done
        self._lock = threading.Lock()
        self._is_closed = False
        self._folder: OwnedFolder | None = None
        self._hash = hashlib.sha256()
        self._files: dict[str, FileWriter] = {}
        self._form = Form(head.boundary, self._open) if head.boundary else None
        self._target: Target | None = self._form
        self._size = 0
        self._received: Received | None = None

    def begin(self) -> None:
        """Find out whether the body may come, as the first `write` would; raises the refusal."""
        with self._lock, storing(WHERE):
            self._begin()

    def write(self, pieces: Iterable[bytes | bytearray]) -> None:
        """The next bytes. Raises UploadTooLarge, StorageFull, RequestInvalid."""
        with self._lock, storing(WHERE):
            for piece in pieces:
                if self._is_closed:
                    return
                self._size += len(piece)
                if self._size > self._rules.max_bytes:
                    raise UploadTooLarge(self._rules.max_bytes, self._rules.setting)
                self._write(piece)

    def finish(self) -> Received:
        """All came. Raises UploadRefused if it isn't what the client says it sent."""
        with self._lock, storing(WHERE):
            if self._received is None:
                self._received = self._finish()
            return self._received

    def close(self) -> None:
        """Remove what is left; safe to call again."""
        with self._lock:
            self._is_closed = True
            for writer in self._files.values():
                writer.close()
            if self._folder is not None:
                self._folder.remove()
            done, self._done = self._done, None
        if done is not None:
            done()

    def _begin(self) -> None:
        if self._admit is not None:
            self._admit(self.head)
            self._admit = None

    def _write(self, piece: bytes | bytearray) -> None:
        if self._folder is None:
            self._begin()
            self._folder = self._make_folder()
        if self._target is None:
            self._target = self._open(WHOLE)
        if self._form is not None:
            self._hash.update(piece)
        self._target.write(piece)

    def _make_folder(self) -> OwnedFolder:
        self._rules.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with hold_folder(self._rules.folder):
            sweep(self._rules.folder, (PREFIX,))
            return OwnedFolder(self._rules.folder, PREFIX)

    def _open(self, name: str) -> "FileWriter":
        """A file for what follows; its name on the disk is ours until all came."""
        if name != WHOLE or self._form is not None:
            check_file_name(name, self._files, self._rules.may_have_folders)
        assert self._folder is not None
        writer = self._files[name] = FileWriter(self._folder.path / str(len(self._files)))
        return writer

    def _finish(self) -> Received:
        if self._target is None:
            raise RequestInvalid("The body is empty; expected a model file, or a form with files")
        self._target.close()
        if not self._files:
            raise RequestInvalid("The form has no file; expected one or more with a filename")
        digests = {name: writer.digest for name, writer in self._files.items()}
        whole = digests[WHOLE] if self._form is None else self._hash.hexdigest()
        if self.head.sha256 and self.head.sha256 != whole:
            raise UploadRefused(
                f"The sha256 of what arrived is {whole}, but the request's head says "
                f"{self.head.sha256}; send it again"
            )
        fields = {} if self._form is None else self._form.fields
        if self._form is None:
            name = self._name_whole(self._files[WHOLE])
            self._files, digests = {name: self._files[WHOLE]}, {name: whole}
        files = {name: self._give_name(name, writer) for name, writer in self._files.items()}
        return Received(files, digests, fields, self._size)

    def _give_name(self, name: str, writer: "FileWriter") -> Path:
        """What is said of a file names it as its sender does."""
        assert self._folder is not None
        path = self._folder.path / "named" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return writer.path.rename(path)

    def _name_whole(self, writer: "FileWriter") -> str:
        if self.head.filename:
            return check_file_name(self.head.filename, (), self._rules.may_have_folders)
        for mark, name in DEFAULT_NAMES:
            if writer.begun.startswith(mark):
                return name
        raise UploadRefused(
            "The body is neither HDF5 (.h5) nor a .keras archive; several files, such as an "
            "architecture and its weights, go into one multipart/form-data"
        )


class FileWriter:
    """One new file that nobody else may read, and the digest of what was written to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = b""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(path, flags, 0o600)
        self._hash: Any = hashlib.sha256()

    def write(self, data: bytes | bytearray) -> None:
        """The next bytes."""
        if len(self.begun) < HEAD_BYTES:
            self.begun += data[: HEAD_BYTES - len(self.begun)]
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]

    def close(self) -> None:
        """That was all; safe to call again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    @property
    def digest(self) -> str:
        """The sha256 in hex."""
        return str(self._hash.hexdigest())
