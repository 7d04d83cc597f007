"""Where versions are published and deleted: a folder, or a remote repository."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.base.bell import Bell
from service.base.settings import Settings
from service.repository.layout import find_versions
from service.repository.published import digest_of
from service.repository.publishing import (
    Parcel,
    Published,
    check_removable,
    check_writable,
    publish,
    remove_version,
)
from service.repository.remote.status import WHOLE

WEB_PATIENCE_S = 20.0
JOB_PATIENCE_S = 900.0


class Shelf(Protocol):
    """Both forms promise the same: a version is there whole or not at all, its number for good."""

    def check_writable(self, model: str) -> None:
        """Raise Conflict when no version of this model can get there, RemoteAway."""

    def publish(self, parcel: Parcel) -> Published:
        """Make a version of the files, or find that they are one.

        Raises Conflict, UploadRefused, StorageFull, RemoteAway; then nothing is published.
        """

    def holds(self, model: str) -> bool:
        """Whether the model has a version there. Raises RemoteAway."""

    def check_removable(self, model: str, version: int) -> str:
        """The digest of a version that may be deleted, empty if none was recorded.

        Raises ModelNotFound, Conflict, RemoteAway.
        """

    def remove(self, model: str, version: int) -> None:
        """Delete a version. Raises ModelNotFound, Conflict, RemoteAway."""


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A repository that is a folder."""

    repository: Path

    def check_writable(self, model: str) -> None:
        check_writable(self.repository, model)

    def publish(self, parcel: Parcel) -> Published:
        return publish(self.repository, parcel)

    def holds(self, model: str) -> bool:
        return bool(find_versions(self.repository, model))

    def check_removable(self, model: str, version: int) -> str:
        root = check_writable(self.repository, model)
        check_removable(root, model, version)
        return digest_of(root / model / str(version))

    def remove(self, model: str, version: int) -> None:
        remove_version(self.repository, model, version)


def open_shelf(settings: Settings, patience_s: float = WEB_PATIENCE_S) -> Shelf:
    """That of the settings' repository; `patience_s` is how long a remote one is insisted on."""
    if not settings.repository_url:
        return FolderShelf(settings.repository)
    # fsspec, which others don't need
    from service.repository.remote.content import Content
    from service.repository.remote.mirroring import BELL
    from service.repository.remote.places import open_repository
    from service.repository.remote.shelf import RemoteShelf

    folder = settings.mirror_dir
    content = Content(folder) if (folder / WHOLE).exists() else None
    tell: Callable[[], object] = Bell(settings.run_dir / BELL).ring
    return RemoteShelf(open_repository(settings), tell, content, patience_s)
