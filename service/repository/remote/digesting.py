"""Digests of versions in a remote repository, read once for each state of an object."""

import hashlib

from service.base.refusals import FileBroken
from service.repository.manifest import MAX_BYTES, parse_manifest
from service.repository.published import content_digest
from service.repository.remote.bucket import Bucket, Object
from service.repository.remote.tree import Objects

MOST_KNOWN = 20_000


class Digests:
    """Remembers what it has read."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[tuple[str, Object], tuple[str, str]] = {}

    def of_manifest(self, key: str, found: Object) -> tuple[str, str]:
        """Digest of the files and key of the call as a manifest tells; empty if it can't be read.

        Raises RemoteAway.
        """
        if (key, found) not in self._known:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known[key, found] = self._read(key)
        return self._known[key, found]

    def of_files(self, place: str, objects: Objects) -> str:
        """Digest of files that nobody has recorded: they are read."""
        digests = [self._digest(f"{place}/{name}", found) for name, found in objects.items()]
        return content_digest(digests)

    def _digest(self, key: str, found: Object) -> str:
        if (key, found) not in self._known:
            digest = hashlib.sha256()
            for piece in self._bucket.pieces(key, 0, found.size):
                digest.update(piece)
            self._known[key, found] = (digest.hexdigest(), "")
        return self._known[key, found][0]

    def _read(self, key: str) -> tuple[str, str]:
        try:
            digests, about = parse_manifest(self._bucket.read(key, MAX_BYTES))
        except (FileBroken, ValueError):
            return "", ""
        return content_digest(digests.values()) if digests else "", about.key
