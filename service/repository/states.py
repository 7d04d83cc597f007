"""The states of a version, and what is recorded of it, of wishes for it, and of the workers."""

import hashlib
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


COMING = (State.DISCOVERED, State.COMPILING)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as recorded; `artefact` is the key of its compiled folder once it is READY.

    `files_state` is that of its files as they are now, where an earlier form of them is READY.
    """

    model: str
    version: int
    state: State
    reason: str = ""
    served: bool = False
    artefact: str = ""
    config: ModelConfig = field(default_factory=ModelConfig)
    files_state: State | None = None

    @property
    def identity(self) -> str:
        """What a worker loads: with another identity it must be loaded anew."""
        config = hashlib.sha256(self.config.model_dump_json().encode()).hexdigest()[:16]
        return f"{self.version} {self.artefact} {config}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants of a model.

    Each call takes the model's next `ticket`; a look that has read it is one that began after the
    call. `looked` is the ticket that the controller's last finished look has read.
    """

    model: str
    is_unloaded: bool
    ticket: int
    looked: int = 0


class Loading(StrEnum):
    """How far a worker has come with a version."""

    LOADED = "LOADED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Held:
    """One version in one worker; `reason` says why it isn't LOADED."""

    model: str
    version: int
    identity: str
    loading: Loading
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker as it reports itself: what it holds, and the tickets that its look has read."""

    worker: str
    held: tuple[Held, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    beat: float = 0.0

    def find(self, row: VersionRow) -> Held | None:
        """What it says of exactly this form of a version."""
        ours = (row.model, row.identity)
        return next((held for held in self.held if (held.model, held.identity) == ours), None)

    def is_serving(self, model: str, version: int | None = None) -> bool:
        """True when it has the model loaded, or this version of it."""
        return any(
            held.model == model
            and version in (None, held.version)
            and held.loading is Loading.LOADED
            for held in self.held
        )
