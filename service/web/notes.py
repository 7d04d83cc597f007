"""What is told of versions in a remote repository, where no controller mirrors it beside."""

from typing import Protocol

from service.base.settings import Settings


class Notes(Protocol):
    """model.yaml, examples, manifests: in the folder where a local repository has them."""

    def start(self) -> None:
        """Begin to keep them, in one worker of a state directory."""

    def close(self) -> None:
        """Leave them as they are."""


def open_notes(settings: Settings) -> Notes | None:
    """Who keeps them; none for a local repository. Raises SettingsInvalid."""
    if not settings.repository_url:
        return None
    from service.repository.remote.mirroring import Mirroring  # fsspec, which others don't need

    return Mirroring(settings, notes_only=True)
