"""Every version of a repository compiled ahead of time, without a service or a database.

It goes the controller's way: the same scan, configuration, digests, limits and children. What is
there and whole is left alone. Nothing is written but the folder of compiled versions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from service.base.child import Child, Outcome
from service.base.compiled import Compiled, publish, read_compiled
from service.base.owned_folder import OwnedFolder, hold_folder, sweep
from service.base.refusals import FileRefused, ModelConfigInvalid
from service.controller.limits import ControllerLimits
from service.controller.opening import compile_task, digest, is_whole
from service.controller.tracked import Tracked
from service.controller.workshop import Workshop
from service.repository.layout import Found, scan
from service.repository.model_config import misfit, read_model_config

SCRATCH = ".baking-"


class BakeOutcome(Enum):
    """What became of a version."""

    COMPILED = "compiled"
    FOUND = "there already"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Baked:
    """A version and what became of it; `compiled` is there unless it failed."""

    model: str
    version: int
    outcome: BakeOutcome
    reason: str = ""
    compiled: Compiled | None = None


class Baking:
    """Compiles what a repository holds; to be stepped until nothing is left, and closed.

    Raises OSError when the repository can't be read or the compiled folder can't be written.
    """

    def __init__(self, repository: Path, compiled_dir: Path, limits: ControllerLimits) -> None:
        self._compiled_dir = compiled_dir
        self._limits = limits
        self._workshop = Workshop(compiled_dir, limits.tensorflow)
        self._waiting = [_tracked(found) for found in scan(repository)]
        self._working: list[Tracked] = []
        self._scratch: OwnedFolder | None = None

    def step(self, now: float) -> list[Baked]:
        """Begin what may be begun; the versions that have ended."""
        ended = list(self._poll(now))
        while self._waiting and len(self._working) < self._limits.jobs:
            baked = self._begin(self._waiting.pop(0), now)
            if baked is not None:
                ended.append(baked)
        return ended

    def stages(self) -> dict[str, str]:
        """What is being done, by model and version."""
        return {
            f"{tracked.model} {tracked.version}": tracked.child.stage()
            for tracked in self._working
            if tracked.child is not None
        }

    @property
    def is_done(self) -> bool:
        """Whether every version has ended."""
        return not self._waiting and not self._working

    def close(self) -> None:
        """End what is under way and remove its scratch."""
        for tracked in self._working:
            tracked.stop()
        if self._scratch is not None:
            self._scratch.remove()

    def _begin(self, tracked: Tracked, now: float) -> Baked | None:
        """Its end, where that needs no child."""
        reason = self._open(tracked)
        if reason:
            return _failed(tracked, reason)
        if is_whole(self._compiled_dir / tracked.key):
            return self._there(tracked, BakeOutcome.FOUND)
        if reason := self._workshop.why_not_compile():
            return _failed(tracked, reason)
        limits = self._limits
        task = compile_task(tracked, limits.custom, limits.warm_up_s)
        try:
            tracked.child = Child(task, limits.child, limits.timeout_s, self._folder(), now)
        except OSError as error:
            return _failed(tracked, f"compiling can't begin: {error}")
        self._working.append(tracked)
        return None

    def _open(self, tracked: Tracked) -> str:
        """Read the configuration and the files' digests; why that can't be."""
        if not tracked.reason:
            try:
                digest(tracked, self._limits.custom)
            except (FileRefused, OSError) as error:
                return str(error)
        return tracked.reason

    def _poll(self, now: float) -> Iterator[Baked]:
        for tracked in tuple(self._working):
            assert tracked.child is not None
            outcome = tracked.child.poll(now)
            if outcome is not None:
                self._working.remove(tracked)
                yield self._finish(tracked, tracked.child, outcome)

    def _finish(self, tracked: Tracked, child: Child, outcome: Outcome) -> Baked:
        try:
            if not outcome.ok:
                return _failed(tracked, outcome.message)
            publish(child.folder / "compiled", self._compiled_dir / tracked.key)
            return self._there(tracked, BakeOutcome.COMPILED)
        except OSError as error:
            return _failed(tracked, f"the compiled file can't be written: {error}")
        finally:
            tracked.stop()

    def _there(self, tracked: Tracked, outcome: BakeOutcome) -> Baked:
        """A version that is compiled must fit its model.yaml too, or it wouldn't be served."""
        compiled = read_compiled(self._compiled_dir / tracked.key)
        assert tracked.config is not None
        if problem := misfit(tracked.config, compiled.signature):
            return _failed(tracked, problem)
        return Baked(tracked.model, tracked.version, outcome, compiled=compiled)

    def _folder(self) -> Path:
        """Where children work: beside the compiled versions, so that a rename brings them there."""
        if self._scratch is None:
            self._compiled_dir.mkdir(parents=True, exist_ok=True)
            with hold_folder(self._compiled_dir):
                sweep(self._compiled_dir, (SCRATCH,))
                self._scratch = OwnedFolder(self._compiled_dir, SCRATCH)
        return self._scratch.path


def _tracked(found: Found) -> Tracked:
    """The version as the controller would know it after its first look."""
    tracked = Tracked(found.model, found.version)
    tracked.look(found, now=0.0)
    try:
        tracked.take_config(read_model_config(found.folder))
    except ModelConfigInvalid as error:
        tracked.fail(str(error))
    return tracked


def _failed(tracked: Tracked, reason: str) -> Baked:
    return Baked(tracked.model, tracked.version, BakeOutcome.FAILED, reason)
