"""What the controller remembers of one version between two looks at the repository."""

from dataclasses import dataclass, field
from pathlib import Path

from service.base.child import Child
from service.base.compiled import Compiled, cache_key, digest_file
from service.base.load_options import LoadOptions
from service.base.refusals import ModelConfigInvalid
from service.repository.layout import Found, SourceFile
from service.repository.manifest import check_published
from service.repository.model_config import ModelConfig, misfit, read_model_config
from service.repository.states import State, VersionRow

MAX_ATTEMPTS = 4
FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0
MOST_DOUBLINGS = 6

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class Tracked:
    """One version: its files as last seen, its state, and the child at work on it."""

    model: str
    version: int
    home: Path | None = None
    files: tuple[SourceFile, ...] = ()
    fingerprint: Fingerprint | None = None
    unchanged_since: float = 0.0
    state: State = State.DISCOVERED
    reason: str = ""
    key: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    config: ModelConfig | None = None
    config_problem: str = ""
    told: ModelConfig | None = None  # what the model's folder says now, be it in force or not
    compiled: Compiled | None = None
    predecessor: Compiled | None = None
    recorded: str = ""  # key of a predecessor's form that is READY and isn't here yet
    attempts: int = 0
    waits: int = 0
    retry_at: float = 0.0
    lacks_compiler: bool = False
    child: Child | None = None

    def look(self, found: Found, now: float) -> bool:
        """Take in what lies on the disk now; true when it isn't what was there before."""
        fingerprint = tuple((f.name, f.size, f.modified_ns, f.changed_ns) for f in found.files)
        if fingerprint == self.fingerprint and self.state is not State.RETIRED:
            return False
        self.stop()
        if self.state is State.READY:
            self.predecessor = self.compiled  # goes on serving until the new files are compiled
        self.files, self.fingerprint, self.unchanged_since = found.files, fingerprint, now
        self.home = found.home
        self._begin_anew()
        if found.problem:
            self.fail(found.problem)
        return True

    def is_settled(self, now: float, wall_now: float, settle_s: float) -> bool:
        """True when the files have stopped growing: unchanged for a while, by either clock."""
        if now - self.unchanged_since >= settle_s:
            return True
        newest = max((file.modified_ns for file in self.files), default=0) / 1e9
        return 0 <= newest <= wall_now - settle_s

    def digest(self, options: LoadOptions) -> None:
        """Compute the files' digests and the key.

        Raises OSError when one can't be read, FileBroken when it isn't what was published.
        """
        self.digests = {file.name: digest_file(file.path) for file in self.files}
        if self.home is not None:
            check_published(self.home, self.digests)
        self.key = cache_key(self.digests, options.key())

    def paths(self) -> dict[str, Path]:
        """The version's files by name."""
        return {file.name: file.path for file in self.files}

    def fail(self, reason: str) -> None:
        """Give up on these files; a change of them starts anew."""
        self.state, self.reason = State.FAILED, reason

    def postpone(self, reason: str, now: float) -> None:
        """Try again later after a failure that may pass, each time later, at last give up."""
        self.attempts += 1
        if self.attempts >= MAX_ATTEMPTS:
            self.fail(f"{reason} ({self.attempts} attempts)")
            return
        self.state, self.reason = State.DISCOVERED, reason
        self.retry_at = now + FIRST_BACKOFF_S * 2 ** (self.attempts - 1)

    def wait_for_room(self, reason: str, now: float) -> None:
        """Try again later, each time later, for as long as it takes: the files aren't to blame."""
        self.state, self.reason = State.DISCOVERED, reason
        self.retry_at = now + min(FIRST_BACKOFF_S * 2**self.waits, MAX_BACKOFF_S)
        self.waits = min(self.waits + 1, MOST_DOUBLINGS)

    def stop(self) -> None:
        """End the child that works on this version, if any."""
        if self.child is not None:
            self.child.kill()
            self.child.clean()
            self.child = None

    def take_config(self, config: ModelConfig) -> None:
        """Take over a configuration; one that doesn't fit leaves the last good one in force.

        So does one that can't be held against what is served, as long as that isn't here.
        """
        self.told = config
        compiled = self.serving()
        if compiled is None and self.recorded:
            return
        problem = misfit(config, compiled.signature) if compiled is not None else ""
        if not problem or self.config is None:
            self._open_anew_if_told(config)
            self.config = config
        self.config_problem = problem

    def read_config(self, folder: Path) -> None:
        """Take over what the model's folder says; a broken one leaves the last in force as well."""
        try:
            self.take_config(read_model_config(folder))
        except ModelConfigInvalid as error:
            self.told, self.config_problem = None, str(error)

    @property
    def follows_config(self) -> bool:
        """Whether `config` is what the model's folder says, as far as that was read."""
        return self.fingerprint is not None and not self.config_problem and not self.recorded

    def _open_anew_if_told(self, config: ModelConfig) -> None:
        """Other options make another version of the same files."""
        told = config.load_options(self.version)
        if self.config is None or told == self.config.load_options(self.version):
            return
        self.stop()
        if self.state is State.READY:
            self.predecessor = self.compiled
        if self.state is not State.RETIRED:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self.state, self.reason, self.key = State.DISCOVERED, "", ""
        self.attempts = self.waits = 0
        self.lacks_compiler = False

    def row(self) -> VersionRow:
        """The version as it is recorded."""
        config = self.config or ModelConfig()
        if self.state is State.RETIRED:
            return VersionRow(self.model, self.version, self.state, self.reason, config=config)
        compiled = self.serving()
        reasons = [self.reason, self.config_problem]
        if not self.is_answering:
            # Without a model.yaml that can be used it waits; it goes on when that is mended.
            state = self.state if self.config is not None else State.FAILED
            return VersionRow(self.model, self.version, state, _joined(reasons), config=config)
        files_state = None
        if self.state is not State.READY:
            files_state = self.state
            reasons.insert(0, f"its files are {files_state}, an earlier form of them is served")
        problem = misfit(config, compiled.signature) if compiled is not None else ""
        if problem:
            return VersionRow(self.model, self.version, State.FAILED, problem, config=config)
        return VersionRow(
            self.model,
            self.version,
            State.READY,
            _joined(reasons),
            compiled.key if compiled is not None else self.recorded,
            config,
            files_state,
        )

    def serving(self) -> Compiled | None:
        """The compiled form that answers now: of these files, or of those before them."""
        return self.compiled if self.state is State.READY else self.predecessor

    @property
    def is_answering(self) -> bool:
        """Whether some form of it is served, be it one that isn't here yet."""
        return self.serving() is not None or bool(self.recorded)

    def take_compiled(self, compiled: Compiled) -> None:
        """READY: what was told for these files is in force with them, and not a look later."""
        self.state, self.reason, self.compiled, self.recorded = State.READY, "", compiled, ""
        if self.told is not None:
            self.take_config(self.told)

    def artefacts(self) -> set[str]:
        """Keys of the compiled forms that it has, or is to have."""
        forms = (self.compiled, self.predecessor)
        keys = {*(form.key for form in forms if form is not None), self.recorded} - {""}
        return keys if self.state is State.RETIRED or not self.key else keys | {self.key}

    def retire(self) -> None:
        """Its files are gone; so is all that was known of them."""
        self.stop()
        self.compiled, self.predecessor, self.recorded = None, None, ""


def _joined(reasons: list[str]) -> str:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
