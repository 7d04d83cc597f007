"""The states of a version, and what is recorded of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from service.repository.model_config import ModelConfig


class State(StrEnum):
    """The life of a version.

    DISCOVERED -> COMPILING -> READY -> RETIRED, with FAILED for what can't be served. READY is
    recorded only after the compiled file is on the disk and was verified against TensorFlow.
    """

    DISCOVERED = "DISCOVERED"
    COMPILING = "COMPILING"
    READY = "READY"
    FAILED = "FAILED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as recorded; `artefact` is the key of its compiled folder once it is READY."""

    model: str
    version: int
    state: State
    reason: str = ""
    served: bool = False
    artefact: str = ""
    config: ModelConfig = field(default_factory=ModelConfig)
