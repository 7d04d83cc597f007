"""What mirrors a remote repository; a local one needs nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from service.base.settings import Settings


def always_gone(_model: str, _version: int) -> bool:
    """In a local repository what isn't there is gone."""
    return True


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The steps before each look at the repository, and who tells whether a version is gone."""

    steps: Sequence[Callable[[float], object]] = ()
    is_gone: Callable[[str, int], bool] = always_gone


@contextmanager
def mirrored(settings: Settings) -> Iterator[Mirrored]:
    """Open the mirror, if there is one. Raises SettingsInvalid."""
    if not settings.repository_url:
        yield Mirrored()
        return
    from service.repository.remote.mirroring import Mirroring  # fsspec, which others don't need

    mirroring = Mirroring(settings)
    try:
        yield Mirrored((mirroring.step,), mirroring.is_gone)
    finally:
        mirroring.close()
