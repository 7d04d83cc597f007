"""What was fetched, by its sha256, and which objects are known to be that: durable, resumed.

    <mirror>/content/<sha256>     a whole object; nothing else has such a name
    <mirror>/parts/<name>         the beginning of one that is being fetched
    <mirror>/index.json           key, size and tag of objects -> sha256

Only one process writes here. A kill leaves parts, which are gone on with, and at worst an index
that knows less than is there.
"""

import fcntl
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from service.base.durable import FULL, rename_new, sync
from service.base.http_errors import RemoteAway
from service.base.room import free_room
from service.repository.remote.bucket import Object

KEEP_S = 3600.0  # what nothing names stays so long
TAKEN_KEEP_S = 24 * 3600.0
TAKEN = "taken-"
DIGEST = re.compile(r"[0-9a-f]{64}")
READ = 1024 * 1024


class Content:
    """Objects by what is in them."""

    def __init__(self, folder: Path, wall_clock: Callable[[], float] = time.time) -> None:
        self._whole = folder / "content"
        self._parts = folder / "parts"
        self._index_file = folder / "index.json"
        self._wall_clock = wall_clock
        self._index: dict[str, str] = {}
        self._is_saved, self._saved_at = True, 0.0

    def open(self) -> None:
        """Make the folders, and read what an earlier process knew."""
        for folder in (self._whole, self._parts):
            folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError, ValueError):
            read = json.loads(self._index_file.read_bytes())
            if isinstance(read, dict):
                self._index = {str(name): str(digest) for name, digest in read.items()}

    def path(self, digest: str) -> Path:
        """Where the content with this sha256 lies, if it is there."""
        return self._whole / digest

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether it is there; with a size, whether it has that many bytes too.

        False for a text that is no sha256: manifests are others' words.
        """
        if not DIGEST.fullmatch(digest):
            return False
        try:
            found = self.path(digest).stat().st_size
        except OSError:
            return False
        return size is None or found == size

    def known(self, key: str, found: Object) -> str:
        """The sha256 of an object that was fetched before and is still here; else empty."""
        digest = self._index.get(_name(key, found), "")
        return digest if digest and self.has(digest, found.size) else ""

    def fetch(self, key: str, found: Object, pieces: Callable[[int], Iterable[bytes]]) -> str:
        """Take an object in, from where an earlier try ended; its sha256.

        `pieces` gives its bytes from an offset on; what it raises leaves what had come. Raises
        RemoteAway where they are not as many as were listed, OSError where the disk is full: then
        it takes no room any more.
        """
        part = self._part(key, found)
        try:
            name = self._fill(part, key, found, pieces)
            self._put(part, name, found.size)
        except OSError as error:
            if error.errno in FULL:
                part.unlink(missing_ok=True)
            raise
        self._index[_name(key, found)] = name
        self._is_saved = False
        return name

    def has_room(self, coming: Mapping[str, Object]) -> bool:
        """Whether all of these go onto the disk; of what doesn't no beginning is kept."""
        parts = [self._part(key, found) for key, found in coming.items()]
        begun = sum(part.stat().st_size for part in parts if part.exists())
        size = sum(found.size for found in coming.values())
        if size - begun <= free_room(self._parts):
            return True
        for part in parts:
            part.unlink(missing_ok=True)
        return False

    def forget(self, key: str, found: Object) -> None:
        """Begin anew with an object: what came of it can't be trusted."""
        self._is_saved &= self._index.pop(_name(key, found), None) is None
        self._part(key, found).unlink(missing_ok=True)

    def take(self, file: Path, digest: str) -> None:
        """A file of this machine that is about to come back from the store; no more than a help."""
        with suppress(OSError):
            if not self.has(digest) and file.stat().st_size <= free_room(self._parts):
                self._copy(file, digest)

    def save(self, pause_s: float = 0.0) -> None:
        """Have the index on the disk, if it has changed and was not saved within so long."""
        if self._is_saved or 0 <= self._wall_clock() - self._saved_at < pause_s:
            return
        aside = self._index_file.with_suffix(".new")
        aside.write_text(json.dumps(self._index))
        sync(aside)
        aside.replace(self._index_file)
        self._is_saved, self._saved_at = True, self._wall_clock()

    def prune(self, named: Collection[str], listed: Iterable[tuple[str, Object]]) -> int:
        """Remove content that nothing names and that is no news; how many files went.

        The beginning of an object stays as long as that is listed.
        """
        listed = list(listed)
        known = {_name(key, found) for key, found in listed}
        begun = {self._part(key, found).name for key, found in listed}
        index = {name: digest for name, digest in self._index.items() if name in known}
        self._is_saved &= index == self._index
        self._index = index
        needed = {*named, *index.values()}
        whole = [path for path in self._whole.iterdir() if path.name not in needed]
        parts = [path for path in self._parts.iterdir() if path.name not in begun]
        taken = [path for path in parts if path.name.startswith(TAKEN)]  # others write these
        return (
            _remove_old(whole, self._wall_clock() - KEEP_S)
            + _remove_old(taken, self._wall_clock() - TAKEN_KEEP_S)
            + _remove_old(set(parts) - set(taken), math.inf)
        )

    def _fill(
        self, part: Path, key: str, found: Object, pieces: Callable[[int], Iterable[bytes]]
    ) -> str:
        digest = hashlib.sha256()
        with part.open("ab") as stream:
            _own(part, stream.fileno())
            have = _digest_so_far(part, digest)
            if have > found.size:
                stream.truncate(0)
                have, digest = 0, hashlib.sha256()
            for piece in pieces(have):
                have += len(piece)
                if have > found.size:
                    stream.truncate(0)  # with what is buffered
                    raise RemoteAway(key, "it is longer than it was listed", is_of_object=True)
                stream.write(piece)
                digest.update(piece)
            stream.flush()
            if have < found.size:
                raise RemoteAway(key, "it is shorter than it was listed")
            os.fsync(stream.fileno())
        part.chmod(0o644)
        return digest.hexdigest()

    def _put(self, part: Path, digest: str, size: int) -> None:
        """Give it its name. One that is there may be served: to replace it would be a change."""
        if self.has(digest, size):
            part.unlink()
        else:
            part.replace(self.path(digest))
            sync(self._whole)

    def _copy(self, file: Path, digest: str) -> None:
        handle, name = tempfile.mkstemp(prefix=TAKEN, dir=self._parts)
        os.close(handle)
        aside = Path(name)
        try:
            shutil.copyfile(file, aside)
            aside.chmod(0o644)
            sync(aside)
            rename_new(aside, self.path(digest))
        finally:
            aside.unlink(missing_ok=True)

    def _part(self, key: str, found: Object) -> Path:
        return self._parts / hashlib.sha256(_name(key, found).encode()).hexdigest()


def _name(key: str, found: Object) -> str:
    return f"{found.size} {found.tag} {key}"


def _own(part: Path, handle: int) -> None:
    """Be the only one who writes this file, and not one that is whole already."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = os.fstat(handle).st_ino == part.stat().st_ino
    except OSError:
        is_ours = False
    if not is_ours:
        raise RemoteAway("The mirror", "another process keeps it")


def _digest_so_far(part: Path, digest: "hashlib._Hash") -> int:
    have = 0
    with part.open("rb") as stream:
        while read := stream.read(READ):
            digest.update(read)
            have += len(read)
    return have


def _remove_old(paths: Iterable[Path], before: float) -> int:
    count = 0
    for path in paths:
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
                count += 1
    return count
