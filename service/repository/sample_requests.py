"""The requests that an operator keeps beside a model, for its versions to be warmed with.

<repository>/<model>/<version>/warm_up.json    for one version
<repository>/<model>/warm_up.json              for each that has none of its own
<repository>/<model>/examples.json             where there is neither
"""

from dataclasses import dataclass
from pathlib import Path

WARM_UP_NAME = "warm_up.json"
EXAMPLES_NAME = "examples.json"
MAX_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class SampleFile:
    """What was found; `problem` says why there is no content. Examples were written for people."""

    name: str
    content: bytes = b""
    problem: str = ""

    @property
    def is_example(self) -> bool:
        """True for a file that nobody wrote in order to warm a version."""
        return self.name.endswith(EXAMPLES_NAME)


def find_samples(repository: Path, model: str, version: int) -> SampleFile | None:
    """The file nearest to the version; none if there is none."""
    for name in (f"{version}/{WARM_UP_NAME}", WARM_UP_NAME, EXAMPLES_NAME):
        found = _read(repository, repository / model / name, name)
        if found is not None:
            return found
    return None


def _read(repository: Path, path: Path, name: str) -> SampleFile | None:
    try:
        if not path.is_file():
            return None
        if not path.resolve(strict=True).is_relative_to(repository.resolve()):
            return SampleFile(name, problem="it is a link that leads out of the repository")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return SampleFile(name, problem=f"it can't be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        return SampleFile(name, problem=f"it is larger than {MAX_BYTES} bytes")
    return SampleFile(name, content)
