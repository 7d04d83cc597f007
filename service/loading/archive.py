"""Read a `.keras` archive strictly: known members only, no duplicates, no tricks with sizes."""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.base.errors import FileBroken, FileUnsafe

REQUIRED = ("metadata.json", "config.json", "model.weights.h5")
MAX_MEMBERS = 1000
MAX_TOTAL_BYTES = 4 * 1024**3
MAX_JSON_BYTES = 64 * 1024**2
MAX_RATIO = 1100
CHUNK = 1024 * 1024
# What zipfile raises while it reads a damaged member.
DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)


class Archive:
    """An archive whose table of contents was checked."""

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        self._name = name
        self._zip = archive

    def read(self, member: str) -> bytes:
        """A small member's content. Raises FileBroken if it is damaged or too long."""
        if self._zip.getinfo(member).file_size > MAX_JSON_BYTES:
            raise FileBroken(self._name, f"{member} is larger than {MAX_JSON_BYTES} bytes")
        try:
            return self._zip.read(member)
        except DAMAGE as error:
            raise FileBroken(self._name, f"{member} is damaged: {error}") from error

    def rewrite(self, target: Path, config: dict[str, Any]) -> None:
        """The same archive with another configuration. Raises FileBroken if it is damaged."""
        with zipfile.ZipFile(target, "w") as copy:
            copy.writestr("config.json", json.dumps(config))
            for member in self._zip.namelist():
                if member != "config.json" and not member.endswith("/"):
                    with self.extracted(member) as path:
                        copy.write(path, member)

    @contextmanager
    def extracted(self, member: str) -> Iterator[Path]:
        """A member as a file of its own, gone afterwards. Raises FileBroken if it is damaged."""
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / Path(member).name
            try:
                with self._zip.open(member) as source, target.open("wb") as sink:
                    while chunk := source.read(CHUNK):
                        sink.write(chunk)
            except DAMAGE as error:
                raise FileBroken(self._name, f"{member} is damaged: {error}") from error
            yield target


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open and check an archive. Raises FileBroken or FileUnsafe."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileBroken(path.name, f"the archive is damaged or incomplete ({error})") from error
    with archive:
        _check(path.name, archive.infolist())
        yield Archive(path.name, archive)


def _check(name: str, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    missing = [required for required in REQUIRED if required not in names]
    if missing:
        raise FileBroken(name, f"is no .keras archive: {', '.join(missing)} is missing")
    if len(members) > MAX_MEMBERS or len(set(names)) != len(names):
        raise FileUnsafe(name, ["the archive has too many members or one of them twice"])
    strange = [member for member in members if not _is_expected(member)]
    if strange:
        raise FileUnsafe(name, [f"the archive has the unexpected member {strange[0].filename!r}"])
    for member in members:
        if member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise FileUnsafe(name, [f"the member {member.filename!r} unpacks to far too much"])
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise FileUnsafe(name, [f"the archive unpacks to more than {MAX_TOTAL_BYTES} bytes"])


def _is_expected(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.split("/")
    is_plain = ".." not in parts and not member.filename.startswith("/")
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    is_encrypted = bool(member.flag_bits & 1)
    is_known = member.filename in REQUIRED or parts[0] == "assets"
    is_readable = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return is_plain and is_known and is_readable and not is_link and not is_encrypted
