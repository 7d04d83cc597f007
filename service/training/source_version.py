"""The version that a training begins with, as files: all that a job needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from service.base.load_options import LoadOptions
from service.base.signature import Signature


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A version's files by name with their digests, how they are opened, and what they answer.

    `signature` is that of the compiled version. `weights_file` is what the request's
    `init.weights_file` names, found by the caller: a file, or the index of a checkpoint. `task`
    is the one that `model.yaml` declares, empty where it doesn't.
    """

    model: str
    version: int
    files: Mapping[str, Path]
    digests: Mapping[str, str]
    options: LoadOptions = field(default_factory=LoadOptions)
    signature: Signature | None = None
    weights_file: Path | None = None
    task: str = ""
