"""A shelf over a bucket in memory, with parcels to publish, and a time that only pauses."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.repository.manifest import Provenance
from service.repository.publishing import Parcel, Published
from service.repository.remote.content import Content
from service.repository.remote.shelf import RemoteShelf
from service.repository.remote.tree import read_tree
from tests.remote.memory import Remote

H5 = b"\x89HDF\r\n\x1a\nmodel"


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = Remote()
        self.told = 0
        self.paused: list[float] = []
        self.shelf = self.open(0.0)

    def open(self, patience_s: float, content: Content | None = None) -> RemoteShelf:
        """A shelf whose time passes only in its pauses."""
        return RemoteShelf(
            self.remote.bucket, self._tell, content, patience_s, lambda: sum(self.paused),
            self.paused.append,
        )  # fmt: skip

    def parcel(self, content: bytes = H5, key: str = "", **more: Any) -> Parcel:
        digest = sha256(content).hexdigest()
        path = self.folder / f"sent-{os.urandom(8).hex()}"
        path.write_bytes(content)
        about = Provenance("ann", "2026-01-01T00:00:00+00:00", "better", None, digest, key)
        return Parcel("m", {"model.h5": path}, {"model.h5": digest}, about, **more)

    def send(self, content: bytes = H5, key: str = "", **more: Any) -> Published:
        return self.shelf.publish(self.parcel(content, key, **more))

    def published(self) -> list[int]:
        tree = read_tree(self.remote.bucket.objects())
        return sorted(key[1] for key, folder in tree.versions.items() if folder.is_published)

    def _tell(self) -> None:
        self.told += 1
