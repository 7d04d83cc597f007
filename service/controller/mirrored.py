"""The step that mirrors a remote repository; a local one has none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from service.base.settings import Settings


@contextmanager
def mirrored(settings: Settings) -> Iterator[Sequence[Callable[[float], object]]]:
    """The steps to be taken before each look at the repository. Raises SettingsInvalid."""
    if not settings.repository_url:
        yield ()
        return
    from service.repository.remote.mirroring import Mirroring  # fsspec, which others don't need

    mirroring = Mirroring(settings)
    try:
        yield (mirroring.step,)
    finally:
        mirroring.close()
