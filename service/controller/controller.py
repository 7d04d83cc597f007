"""The reconcile loop: what lies in the repository becomes compiled, verified, recorded versions."""

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from service.base.bell import Bell
from service.base.child import Child, Outcome
from service.base.compiled import publish, read_compiled
from service.base.confinement import Limits
from service.base.load_options import LoadOptions
from service.base.refusals import ArtefactCorrupt, FileRefused, ModelConfigInvalid
from service.controller.leftovers import Leftovers
from service.controller.mirrored import always_gone
from service.controller.opening import compile_task, digest, is_whole
from service.controller.pointers import Pointers
from service.controller.sharing import Sharing
from service.controller.tensorflow_runtime import TensorFlowRuntime
from service.controller.tracked import Tracked
from service.controller.workshop import Workshop
from service.repository.compiled_store import CompiledStore
from service.repository.layout import Found, scan
from service.repository.model_config import ModelConfig, read_model_config
from service.repository.policy import settle
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ControllerLimits:
    """How much the controller does at once and how long it waits; times in seconds.

    `custom` is what the settings say of custom classes; `tensorflow` says whether it is installed.
    """

    settle_s: float
    jobs: int
    timeout_s: float
    child: Limits
    warm_up_s: float = 120
    custom: LoadOptions = field(default_factory=LoadOptions)
    tensorflow: bool = True


class Controller:
    """Steps through the repository; `step` is public so that tests call it with their own time."""

    def __init__(
        self,
        repository: Path,
        store: VersionStore,
        compiled_dir: Path,
        run_dir: Path,
        limits: ControllerLimits,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._repository = repository
        self._store = store
        self._compiled_dir = compiled_dir
        self._scratch = run_dir / "children"
        self._limits = limits
        self._workshop = Workshop(compiled_dir, limits.tensorflow)
        self._wall_clock = wall_clock
        self._tracked: dict[tuple[str, int], Tracked] = {}
        self._recorded: list[VersionRow] | None = None
        self._runtime = TensorFlowRuntime(run_dir, compiled_dir)
        self._bell = Bell(run_dir / "bell")
        self.sharing = Sharing(CompiledStore(compiled_dir))
        self._leftovers = Leftovers(store, compiled_dir, wall_clock)
        self._pointers = Pointers(store, self._bell.ring, wall_clock)
        self._is_missing = False
        self.is_gone: Callable[[str, int], bool] = always_gone  # what has no files here

    def start(self) -> None:
        """Take over from a predecessor: what was READY is served until it is looked at anew."""
        shutil.rmtree(self._scratch, ignore_errors=True)  # its children ended with it
        rows = self._store.rows()
        self._leftovers.start(row.artefact for row in rows if row.artefact)
        for row in rows:
            if row.state is State.READY:
                self._take_over(row)

    def _take_over(self, row: VersionRow) -> None:
        """Where compiled versions are shared over an address, this one may have to be fetched."""
        tracked = Tracked(row.model, row.version, config=row.config)
        try:
            compiled = read_compiled(self._compiled_dir / row.artefact)
        except ArtefactCorrupt:
            if not self.sharing.is_over_an_address:
                return
            tracked.recorded = row
        else:
            if self._workshop.why_not_run(compiled):
                return
            tracked.predecessor = compiled
        self._tracked[row.model, row.version] = tracked

    def step(self, now: float) -> None:
        """One look at the repository and one turn of all that is under way."""
        routes = self._store.routes()  # first: the look that answers them begins after them
        try:
            found = scan(self._repository)
        except OSError as error:
            self._report_missing(error)
            return
        self._is_missing = False
        present = self._take_in(found, now)
        for key, tracked in self._tracked.items():
            if key in present or tracked.child is not None:
                self._advance(tracked, now)
        self._leftovers.step(
            chain.from_iterable(map(Tracked.artefacts, self._tracked.values())), now
        )
        self.sharing.step(self._ready_keys(), now)
        rows = self._record()
        self._store.answer(route for route in routes.values() if route.looked < route.revision)
        self._pointers.step(rows, routes, now)
        self._runtime.step(self._needs_tensorflow(rows, routes), now)

    def configs(self) -> dict[str, ModelConfig]:
        """What `model.yaml` says of each model that has files here."""
        there = (one for one in self._tracked.values() if one.state is not State.RETIRED)
        return {tracked.model: tracked.config for tracked in there if tracked.config is not None}

    def keep_prepared(self, versions: frozenset[tuple[str, int]]) -> None:
        """Have workers keep loaded what another part of this process has them load."""
        self._pointers.kept = versions

    def end_children(self) -> None:
        """Stop to compile; compiled versions and their records stay."""
        for tracked in self._tracked.values():
            tracked.stop()

    def close(self) -> None:
        """End every child, what runs in TensorFlow included."""
        self.end_children()
        self._runtime.close()
        self._bell.close()

    def _take_in(self, found: list[Found], now: float) -> set[tuple[str, int]]:
        """The versions that have files here now."""
        present = {(item.model, item.version): item for item in found}
        for key, item in present.items():
            tracked = self._tracked.setdefault(key, Tracked(*key))
            if tracked.look(item, now):
                logger.info("version found", extra={"model": key[0], "version": key[1]})
            self._read_config(tracked, item.folder)
        for key, tracked in self._tracked.items():
            if key not in present and tracked.state is not State.RETIRED and self.is_gone(*key):
                tracked.retire()
                self._set(tracked, State.RETIRED, "its files are gone from the repository")
        return set(present)

    def _read_config(self, tracked: Tracked, folder: Path) -> None:
        """Take the model's configuration; a broken one leaves the last good one in force."""
        try:
            tracked.take_config(read_model_config(folder))
        except ModelConfigInvalid as error:
            tracked.config_problem = str(error)

    def _advance(self, tracked: Tracked, now: float) -> None:
        if tracked.child is not None:
            outcome = tracked.child.poll(now)
            if outcome is not None:
                self._finish(tracked, outcome, now)
        elif tracked.state is State.READY and not self._folder(tracked).is_dir():
            tracked.predecessor = tracked.compiled  # loaded where it is loaded
            self._set(tracked, State.DISCOVERED, "its compiled file is gone")
        elif tracked.lacks_compiler and self._is_helped(tracked):
            tracked.lacks_compiler = False
            self._set(tracked, State.DISCOVERED, "")
        elif (
            tracked.state is State.DISCOVERED
            and now >= tracked.retry_at
            and tracked.is_settled(now, self._wall_clock(), self._limits.settle_s)
        ):
            self._begin(tracked, now)

    def _begin(self, tracked: Tracked, now: float) -> None:
        """Use the compiled cache, or start a child if there is room for one."""
        if tracked.config is None or self.sharing.is_busy(tracked.key):
            return
        try:
            digest(tracked, self._limits.custom)
        except FileRefused as error:
            self._set(tracked, State.FAILED, str(error))
            return
        except OSError as error:
            tracked.postpone(f"can't be read: {error}", now)
            return
        if self.sharing.must_wait(tracked.key):
            return
        if is_whole(self._folder(tracked)):
            self._share(tracked, now)
            return
        if problem := self._workshop.why_not_compile():
            tracked.lacks_compiler = not self._folder(tracked).is_dir()
            self._set(tracked, State.FAILED, problem)
            return
        if sum(other.child is not None for other in self._tracked.values()) >= self._limits.jobs:
            return
        self._start_child(tracked, now)

    def _start_child(self, tracked: Tracked, now: float) -> None:
        limits = self._limits
        task = compile_task(tracked, limits.custom, limits.warm_up_s)
        try:
            tracked.child = Child(task, limits.child, limits.timeout_s, self._scratch, now)
        except OSError as error:
            self._wait_for_room(tracked, f"compiling can't begin: {error}", now)
            return
        self._set(tracked, State.COMPILING, "")

    def _finish(self, tracked: Tracked, outcome: Outcome, now: float) -> None:
        assert tracked.child is not None
        child, tracked.child = tracked.child, None
        try:
            if outcome.ok:
                publish(child.folder / "compiled", self._folder(tracked))
                self._share(tracked, now)
            elif outcome.no_room:
                self._wait_for_room(tracked, outcome.message, now)
            elif outcome.died:
                tracked.postpone(outcome.message, now)
                self._set(tracked, tracked.state, tracked.reason)
            else:
                self._set(tracked, State.FAILED, outcome.message)
        except OSError as error:  # nothing half-written is ever visible
            self._wait_for_room(tracked, f"the compiled file can't be written: {error}", now)
        finally:
            child.clean()

    def _wait_for_room(self, tracked: Tracked, reason: str, now: float) -> None:
        tracked.wait_for_room(reason, now)
        self._set(tracked, tracked.state, tracked.reason)

    def _share(self, tracked: Tracked, now: float) -> None:
        """READY as soon as those who are to serve it can have it."""
        problem = self.sharing.problem(tracked.key)
        if problem is None:
            self._set(tracked, State.DISCOVERED, "it is put where others fetch it")
        elif problem:
            self._wait_for_room(tracked, problem, now)
        else:
            self._ready(tracked)

    def _ready_keys(self) -> list[str]:
        return [one.key for one in self._tracked.values() if one.state is State.READY]

    def _ready(self, tracked: Tracked) -> None:
        compiled = read_compiled(self._folder(tracked))
        if problem := self._workshop.why_not_run(compiled):
            self._set(tracked, State.FAILED, problem)
            return
        tracked.compiled = compiled
        self._set(tracked, State.READY, "")

    def _is_helped(self, tracked: Tracked) -> bool:
        """Whether somebody else has compiled it meanwhile, or it could be compiled here now."""
        return self._folder(tracked).is_dir() or not self._workshop.why_not_compile()

    def _folder(self, tracked: Tracked) -> Path:
        return self._compiled_dir / tracked.key

    def _set(self, tracked: Tracked, state: State, reason: str) -> None:
        tracked.state, tracked.reason = state, reason
        log = logger.warning if state is State.FAILED else logger.info
        fields = {"model": tracked.model, "version": tracked.version, "state": state.value}
        log("version state changed", extra={**fields, "reason": reason} if reason else fields)

    def _record(self) -> list[VersionRow]:
        """Write the rows if they differ from what was written last."""
        rows = [self._tracked[key].row() for key in sorted(self._tracked)]
        if rows != self._recorded or not self._store.was_scanned():
            self._store.replace(rows)
            self._recorded = rows
        return rows

    def _needs_tensorflow(self, rows: list[VersionRow], routes: Mapping[str, Route]) -> bool:
        served = [row for row in settle(rows, routes) if row.served]
        compiled = [self._tracked[row.model, row.version].serving() for row in served]
        return any(item is not None and item.runtime == "tensorflow" for item in compiled)

    def _report_missing(self, error: OSError) -> None:
        if not self._is_missing:
            logger.warning(
                "the repository can't be read; serving goes on", extra={"why": str(error)}
            )
        self._is_missing = True
