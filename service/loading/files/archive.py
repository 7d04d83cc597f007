"""Read a `.keras` archive strictly: known members only, no duplicates, no tricks with sizes.

A reader that goes through the file from its front and one that goes by the table at its end must
find the same members, and nothing but members.
"""

import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.base.refusals import FileBroken, FileUnsafe

REQUIRED = ("metadata.json", "config.json", "model.weights.h5")
MAX_MEMBERS = 1000
MAX_TOTAL_BYTES = 4 * 1024**3
MAX_JSON_BYTES = 64 * 1024**2
# Configurations and weights hardly shrink by more; zeros do, by a thousand.
MAX_RATIO = 100
ALWAYS_FINE_BYTES = 16 * 1024**2
ASSET = re.compile(r"assets(/[A-Za-z0-9_.+-]{1,128}){0,20}/?")
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of the extra field
LOCAL_SIGNATURE = b"PK\x03\x04"
END_RECORD = struct.Struct("<4s16xH")  # signature, length of the comment
END_SIGNATURE = b"PK\x05\x06"
ENCRYPTED_FLAG, UTF8_FLAG = 0x1, 0x800
MAX_TOLD, MAX_TOLD_NAME = 5, 100
CHUNK = 1024 * 1024
MAX_NAME = 50  # characters: four bytes each still fit into a file's name
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

    def extract_below(self, folder_name: str, target: Path) -> Path | None:
        """All members below a folder, written below `target`; none where there is no such member.

        Their names were checked: none leads out of the target. Raises FileBroken.
        """
        members = [n for n in self._zip.namelist() if n.startswith(f"{folder_name}/")]
        for member in members:
            if not member.endswith("/"):
                path = target / member
                path.parent.mkdir(parents=True, exist_ok=True)
                with self.extracted(member) as extracted:
                    extracted.rename(path)
        return target / folder_name if members else None

    @contextmanager
    def extracted(self, member: str) -> Iterator[Path]:
        """A member as a file of its own, gone afterwards. Raises FileBroken if it is damaged.

        Its name tells the archive's, too: it stands in messages about what is wrong inside.
        """
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / f"{self._name[:MAX_NAME]}: {Path(member).name}"
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
        try:
            _check_places(path, archive.infolist(), archive.start_dir)
        except (OSError, struct.error, UnicodeError) as error:
            raise FileBroken(
                path.name, f"the archive is damaged or incomplete ({error})"
            ) from error
        yield Archive(path.name, archive)


def _check(name: str, members: list[zipfile.ZipInfo]) -> None:
    """Judge the members by the table."""
    names = [member.filename for member in members]
    missing = [required for required in REQUIRED if required not in names]
    if missing:
        raise FileBroken(name, f"is no .keras archive: {', '.join(missing)} is missing")
    if len(members) > MAX_MEMBERS:
        raise FileUnsafe(name, [f"the archive has {len(members)} members; at most {MAX_MEMBERS}"])
    twice = next((each for each, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise FileUnsafe(name, [f"the archive has the member {twice!r} {names.count(twice)} times"])
    hazards = [hazard for member in members if (hazard := _hazard(member))]
    if hazards:
        raise FileUnsafe(name, hazards[:MAX_TOLD])
    total = sum(member.file_size for member in members)
    if total > MAX_TOTAL_BYTES:
        raise FileUnsafe(name, [f"the archive unpacks to {total} bytes; at most {MAX_TOTAL_BYTES}"])


def _hazard(member: zipfile.ZipInfo) -> str:
    """What speaks against a member; empty if nothing does."""
    told = repr(member.filename[:MAX_TOLD_NAME])
    is_known = member.filename in REQUIRED or ASSET.fullmatch(member.filename) is not None
    if not is_known or {".", ".."} & set(member.filename.split("/")):
        return f"the archive has the unexpected member {told}"
    if (member.external_attr >> 16) & 0o170000 == 0o120000:
        return f"the member {told} is a link"
    if member.flag_bits & ENCRYPTED_FLAG:
        return f"the member {told} is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"the member {told} is compressed in a way that Keras never uses"
    if member.file_size > max(ALWAYS_FINE_BYTES, MAX_RATIO * member.compress_size):
        return f"the member {told} unpacks from {member.compress_size} to {member.file_size} bytes"
    return ""


def _check_places(path: Path, members: list[zipfile.ZipInfo], table: int) -> None:
    """Compare the table with what lies in the file, from its first byte to its last."""
    end = 0
    with path.open("rb") as stream:
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.header_offset < end or (end == 0 and member.header_offset):
                why = f"the member {member.filename!r} doesn't begin where it should"
                raise FileUnsafe(path.name, [f"{why}: members overlap, or something lies before"])
            end = _end_of(stream, member, path.name)
        if end > table:
            raise FileUnsafe(path.name, ["the last member reaches into the archive's table"])
        stream.seek(-END_RECORD.size, os.SEEK_END)
        if END_RECORD.unpack(stream.read(END_RECORD.size)) != (END_SIGNATURE, 0):
            raise FileUnsafe(path.name, ["something follows the end of the archive"])


def _end_of(stream: BinaryIO, member: zipfile.ZipInfo, archive: str) -> int:
    """Where a member's data end; its own header must name it as the table does."""
    stream.seek(member.header_offset)
    signature, length, extra = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    encoding = "utf-8" if member.flag_bits & UTF8_FLAG else "cp437"
    name = stream.read(length)
    if signature != LOCAL_SIGNATURE or name != member.orig_filename.encode(encoding):
        why = f"the member {member.filename!r} has another name at its own place"
        raise FileUnsafe(archive, [why])
    start: int = member.header_offset + LOCAL_HEADER.size + length + extra
    return start + member.compress_size
