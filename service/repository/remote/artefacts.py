"""Compiled versions at an address: put there by who compiled them, fetched by who serves them.

    <compiled_url>/<key>/...              the files of the folder
    <compiled_url>/<key>/compiled.json    last: with it the folder is whole

What is fetched is proved by the digests in the record, and appears by rename.
"""

import hashlib
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.base.compiled import FETCHED, RECORD, Compiled, publish, read_compiled, verify_files
from service.base.http_errors import RemoteAway
from service.base.refusals import ArtefactCorrupt
from service.repository.layout import MAX_BYTES, MAX_FILES
from service.repository.remote.bucket import Bucket, Object
from service.repository.remote.tree import is_safe

INCOMING = ".fetched-"
LEFT_S = 24 * 3600.0
MAX_RECORD = 16 * 1024**2


class Artefacts:
    """The compiled versions of one address."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, folder: Path) -> None:
        """Have a compiled folder there. Raises RemoteAway, ArtefactCorrupt where it isn't whole."""
        compiled = read_compiled(folder)
        verify_files(folder, compiled)
        there = self._there(folder.name)
        if not _lacks(folder, compiled, there):
            return
        if RECORD in there:
            self.remove(folder.name)  # files and a record that isn't theirs would be corrupt
        for name in sorted(compiled.files):
            self._bucket.put(f"{folder.name}/{name}", folder / name)
        self._bucket.put(f"{folder.name}/{RECORD}", folder / RECORD)

    def lacks(self, folder: Path) -> bool:
        """Whether something of the folder isn't there. Raises RemoteAway, ArtefactCorrupt."""
        return _lacks(folder, read_compiled(folder), self._there(folder.name))

    def is_whole(self, key: str) -> bool:
        """Whether what is there is what its record says; all of it is read. Raises RemoteAway."""
        if self._bucket.look(f"{key}/{RECORD}") is None:
            return False
        with tempfile.TemporaryDirectory() as folder, suppress(ArtefactCorrupt):
            for _, pieces in self._files(Path(folder), key):
                deque(pieces, maxlen=0)
            return True
        return False

    def fetch(self, key: str, target: Path) -> bool:
        """Make the folder `target` of what is there; false if nothing whole is.

        Raises RemoteAway, OSError, ArtefactCorrupt where it isn't what its record says.
        """
        if self._bucket.look(f"{key}/{RECORD}") is None:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        aside = Path(tempfile.mkdtemp(prefix=INCOMING, dir=target.parent))
        try:
            aside.chmod(0o755)
            self._fetch_into(aside, key)
            (aside / FETCHED).touch()
            publish(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return True

    def remove(self, key: str) -> None:
        """Take the record away: what is left is no compiled version. Raises RemoteAway."""
        self._bucket.remove([f"{key}/{RECORD}"])

    def _fetch_into(self, folder: Path, key: str) -> None:
        for name, pieces in self._files(folder, key):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as stream:
                stream.writelines(pieces)

    def _files(self, folder: Path, key: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Write the record there, and have the files that it names; each is proved at its end."""
        try:
            record = self._bucket.read(f"{key}/{RECORD}", MAX_RECORD)
        except ValueError as error:
            raise ArtefactCorrupt(key, str(error)) from error
        (folder / RECORD).write_bytes(record)
        compiled, there = read_compiled(folder), self._there(key)
        _check(compiled, key, there)
        for name, digest in compiled.files.items():
            yield name, self._proved(f"{key}/{name}", there[name].size, digest)

    def _proved(self, place: str, size: int, digest: str) -> Iterator[bytes]:
        got = hashlib.sha256()
        for piece in self._bucket.pieces(place, 0, size):
            got.update(piece)
            yield piece
        if got.hexdigest() != digest:
            raise ArtefactCorrupt(place, "its sha256 isn't the recorded one")

    def _there(self, key: str) -> dict[str, Object]:
        try:
            below = self._bucket.objects(key)
        except RemoteAway as error:
            if self._bucket.look(f"{key}/{RECORD}") is None and error.is_missing:
                return {}  # stores with real folders have none of this name yet
            raise
        return {name[len(key) + 1 :]: found for name, found in below.items()}


def _lacks(folder: Path, compiled: Compiled, there: dict[str, Object]) -> bool:
    try:
        sizes = {name: (folder / name).stat().st_size for name in compiled.files}
    except FileNotFoundError as error:
        raise ArtefactCorrupt(folder.name, f"a file can't be read: {error.strerror}") from error
    is_same = all(name in there and there[name].size == sizes[name] for name in sizes)
    return RECORD not in there or not is_same


def _sweep(folder: Path) -> None:
    """Remove what killed processes have left."""
    for left in folder.glob(f"{INCOMING}*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - LEFT_S:
                shutil.rmtree(left)


def _check(compiled: Compiled, key: str, there: dict[str, Object]) -> None:
    """Raise ArtefactCorrupt for a record that no compiler has written, or of another key."""
    if compiled.key != key or len(compiled.files) > MAX_FILES:
        raise ArtefactCorrupt(key, "its record is of another version")
    for name in compiled.files:
        if not is_safe(name) or name == RECORD or name not in there:
            raise ArtefactCorrupt(f"{key}/{name[:100]!a}", "it isn't there, or no name for a file")
    if sum(there[name].size for name in compiled.files) > MAX_BYTES:
        raise ArtefactCorrupt(key, f"it is larger than {MAX_BYTES // 1024**3} GiB")
