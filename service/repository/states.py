"""The states of a version, and what is recorded of it and of the workers that load it."""

import hashlib
from collections.abc import Iterable
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
# They tell versions apart, for how long labels are taken, or what jobs do, and no more.
NOT_OF_A_VERSION = {"version_policy", "version_labels", "feedback", "capture", "retrain"}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as recorded; `artefact` is the key of its compiled folder once it is READY.

    `files_state` is that of its files as they are now, where an earlier form of them is READY.
    The last three are not recorded: `policy.settle` computes them. `served` is to be loaded, and
    answers requests that ask for it; `current` answers those that name no version.
    """

    model: str
    version: int
    state: State
    reason: str = ""
    artefact: str = ""
    config: ModelConfig = field(default_factory=ModelConfig)
    files_state: State | None = None
    served: bool = False
    current: bool = False
    generation: int = 0

    @property
    def identity(self) -> str:
        """What a worker loads: with another identity it must be loaded anew."""
        config = self.config.model_dump_json(exclude=NOT_OF_A_VERSION)
        digest = hashlib.sha256(config.encode()).hexdigest()[:16]
        return f"{self.version} {self.artefact} {digest} {self.generation}"


class Loading(StrEnum):
    """How far a worker has come with a version; a COLD one is loaded when a request asks for it.

    No worker reports LOADING: it is that of which a worker has said nothing yet.
    """

    LOADING = "LOADING"
    LOADED = "LOADED"
    COLD = "COLD"
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

    @property
    def artefact(self) -> str:
        """The key of what it has loaded, or is to load: see `VersionRow.identity`."""
        return self.identity.split(" ")[1]


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker as it reports itself: what it holds, and by model the revision that it follows.

    With `seen`, no request that names no version is answered as an earlier revision says.
    `forms` is `held` by model and identity.
    """

    worker: str
    held: tuple[Held, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    beat: float = 0.0
    forms: dict[tuple[str, str], Held] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forms = {(held.model, held.identity): held for held in reversed(self.held)}
        object.__setattr__(self, "forms", forms)

    def find(self, row: VersionRow) -> Held | None:
        """What it says of exactly this form of a version."""
        return self.forms.get((row.model, row.identity))

    def is_serving(self, model: str, version: int | None = None) -> bool:
        """True when it has the model loaded, or this version of it."""
        return any(
            held.model == model
            and version in (None, held.version)
            and held.loading is Loading.LOADED
            for held in self.held
        )


def loading_of(row: VersionRow, workers: Iterable[WorkerRecord]) -> list[Held]:
    """What each worker says of exactly this form of a version; LOADING where that is nothing."""
    unsaid = Held(row.model, row.version, row.identity, Loading.LOADING)
    form = (unsaid.model, unsaid.identity)
    return [worker.forms.get(form, unsaid) for worker in workers]
