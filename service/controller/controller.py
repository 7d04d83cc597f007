"""The reconcile loop: what lies in the repository becomes compiled, verified, recorded versions."""

import logging
import shutil
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from service.base.bell import Bell
from service.base.child import Child, Outcome
from service.base.compiled import publish, read_compiled
from service.base.refusals import FileRefused
from service.controller.leftovers import Leftovers
from service.controller.limits import ControllerLimits
from service.controller.mirrored import always_gone
from service.controller.opening import compile_task, digest, is_whole
from service.controller.pointers import Pointers
from service.controller.predecessors import Predecessors
from service.controller.sharing import Sharing, doubted
from service.controller.tensorflow_runtime import TensorFlowRuntime, is_needed
from service.controller.tracked import Tracked
from service.controller.workshop import Workshop
from service.repository.compiled_store import CompiledStore
from service.repository.layout import Found, scan
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)


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
        self._predecessors = Predecessors(compiled_dir, self._workshop)
        self._wall_clock = wall_clock
        self._tracked: dict[tuple[str, int], Tracked] = {}
        self._recorded: list[VersionRow] | None = None
        self._runtime = TensorFlowRuntime(run_dir, compiled_dir)
        self._bell = Bell(run_dir / "bell")
        self.sharing = Sharing(CompiledStore(compiled_dir))
        self._leftovers = Leftovers(store, compiled_dir, wall_clock)
        self._pointers = Pointers(store, self._bell.ring, wall_clock)
        self._is_readable: bool | None = None  # the repository, at the last look
        self._needs_tensorflow = False
        self.is_gone: Callable[[str, int], bool] = always_gone  # what has no files here
        self.beat: Callable[[], object] = lambda: None  # a look that takes long still lives

    def start(self) -> None:
        """Take over from a predecessor: what was READY is served until it is looked at anew."""
        shutil.rmtree(self._scratch, ignore_errors=True)  # its children ended with it
        rows = self._store.rows()
        self._leftovers.start(row.artefact for row in rows if row.artefact)
        for row in rows:
            if row.state is State.READY:
                tracked = self._predecessors.take_over(row, self.sharing.is_over_an_address)
                if tracked is not None:
                    self._tracked[row.model, row.version] = tracked
        self._needs_tensorflow = is_needed(rows, self._store.routes(), self._tracked)

    def step(self, now: float) -> None:
        """One look at the repository and one turn of all that is under way.

        Children and TensorFlow are looked after whatever becomes of repository and database.
        """
        try:
            for tracked in self._tracked.values():
                self._poll(tracked, now)
            self._look(now)
        finally:
            self._runtime.step(self._needs_tensorflow, now)

    def _look(self, now: float) -> None:
        routes = self._store.routes()  # first: the look that answers them begins after them
        try:
            found = scan(self._repository)
        except OSError as error:
            self._report_missing(error)
            return
        present = self._take_in(found, now)
        self._is_readable = True
        for key, tracked in self._tracked.items():
            self.beat()
            self._predecessors.bring(tracked, self.sharing)
            if key in present:
                self._advance(tracked, now)
        self._leftovers.step(
            chain.from_iterable(map(Tracked.artefacts, self._tracked.values())), now
        )
        self.sharing.step(self._ready_keys(), now, lambda: doubted(self._store.workers()))
        rows = self._record()
        self._needs_tensorflow = is_needed(rows, routes, self._tracked)
        self._store.answer(route for route in routes.values() if route.looked < route.revision)
        self._pointers.step(rows, routes, now)

    def configs(self) -> dict[str, ModelConfig]:
        """What `model.yaml` says of each model that has files here."""
        return {one.model: one.config for one in self._there() if one.config is not None}

    def told_configs(self) -> dict[str, ModelConfig | None] | None:
        """The same with none where a `model.yaml` is there and isn't followed, and none at all as
        long as the repository can't be read: then nobody knows what they say.
        """
        if not self._is_readable:
            return None
        return {one.model: one.config if one.follows_config else None for one in self._there()}

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

    def _there(self) -> list[Tracked]:
        """What has files here; of each model the version that knows its configuration best is the
        last one, as in `policy.config_of`.
        """
        there = [one for one in tuple(self._tracked.values()) if one.state is not State.RETIRED]
        return sorted(there, key=lambda one: (one.is_answering, one.version))

    def _take_in(self, found: list[Found], now: float) -> set[tuple[str, int]]:
        """The versions that have files here now."""
        present = {(item.model, item.version): item for item in found}
        for key, item in present.items():
            tracked = self._tracked.setdefault(key, Tracked(*key))
            if tracked.look(item, now):
                logger.info("version found", extra={"model": key[0], "version": key[1]})
            tracked.read_config(item.folder)
        for key, tracked in self._tracked.items():
            if key not in present and tracked.state is not State.RETIRED and self.is_gone(*key):
                tracked.retire()
                self._set(tracked, State.RETIRED, "its files are gone from the repository")
        return set(present)

    def _poll(self, tracked: Tracked, now: float) -> None:
        outcome = tracked.child.poll(now) if tracked.child is not None else None
        if outcome is not None:
            self._finish(tracked, outcome, now)

    def _advance(self, tracked: Tracked, now: float) -> None:
        if tracked.child is not None:
            return
        if tracked.state is State.READY and not self._folder(tracked).is_dir():
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
        self._set(tracked, State.READY, "")
        tracked.take_compiled(compiled)

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

    def _report_missing(self, error: OSError) -> None:
        """A mirror that isn't there yet is no trouble: who fetches it tells of what is."""
        is_coming = self.is_gone is not always_gone and isinstance(error, FileNotFoundError)
        if self._is_readable is not False and not is_coming:
            logger.warning(
                "the repository can't be read; serving goes on", extra={"why": str(error)}
            )
        self._is_readable = False
