"""A repository, a controller over it, and a clock that only moves when it is told to."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import h5py

from service.base.compiled import Compiled, cache_key, digest_file
from service.base.confinement import Limits
from service.base.database import open_database
from service.base.signature import Signature, TensorSpec
from service.controller.controller import Controller
from service.controller.limits import ControllerLimits
from service.repository.policy import settle
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from tests.databases import migrate

LIMITS = ControllerLimits(
    settle_s=2.0, jobs=2, timeout_s=60.0, child=Limits(8 * 1024**3, cpu_s=60, file_size=1024**3)
)
LONG_AGO = 1_000_000_000
SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, 3)),)
)


class World:
    """A repository, a controller over it, and a clock that only moves when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.repository.mkdir()
        self.compiled = folder / "compiled"
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = VersionStore(engine, "repository")
        self.run_dir = folder / "run"
        self.now, self.wall_now = 100.0, float(LONG_AGO)
        self.controller = self.new_controller(LIMITS)

    def new_controller(self, limits: ControllerLimits) -> Controller:
        return Controller(
            self.repository, self.store, self.compiled, self.run_dir, limits, lambda: self.wall_now
        )

    def forget(self) -> None:
        """Lose the tables, as if somebody had removed the file and it was made anew."""
        for path in self.folder.glob("db.sqlite*"):
            path.unlink()
        migrate(open_database(f"sqlite:///{self.folder}/db.sqlite"))

    def step(self, seconds: float = 1.0) -> dict[tuple[str, int], VersionRow]:
        self.now += seconds
        self.controller.step(self.now)
        rows = settle(self.store.rows(), self.store.routes())
        return {(row.model, row.version): row for row in rows}

    def report(self, name: str, *versions: int, loading: Loading = Loading.LOADED) -> None:
        """A worker that has versions of the model `m`."""
        rows = settle(self.store.rows(), self.store.routes())
        held = [
            Held(row.model, row.version, row.identity, loading)
            for row in rows
            if row.model == "m" and row.version in versions
        ]
        self.store.report(WorkerRecord(name, tuple(held), beat=1e12))

    def step_until(self, key: tuple[str, int], state: State) -> VersionRow:
        """Step with real time in between, for a child that really works."""
        return self._step_until(key, lambda row: row.state is state, state)

    def step_until_files(self, key: tuple[str, int], state: State) -> VersionRow:
        """The same for the newer files of a version whose earlier form is served."""
        return self._step_until(key, lambda row: row.files_state is state, state)

    def _step_until(
        self, key: tuple[str, int], is_so: Callable[[VersionRow], bool], state: State
    ) -> VersionRow:
        for _ in range(600):
            row = self.step(0.1)[key]
            if is_so(row):
                return row
            time.sleep(0.05)
        raise AssertionError(f"{key} never became {state}; it is {row}")

    def add(self, model: str, version: int, content: str, settled: bool = True) -> Path:
        """A version whose model file is HDF5 and differs by content."""
        folder = self.repository / model / str(version)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "model.h5"
        with h5py.File(path, "w") as file:
            file.attrs["content"] = content
        if settled:
            os.utime(path, (LONG_AGO - 100, LONG_AGO - 100))
        else:
            os.utime(path, (LONG_AGO, LONG_AGO))
        return path

    def add_compiled(self, model: str, version: int, content: str) -> Path:
        """A version whose compiled form is in the cache already."""
        path = self.add(model, version, content)
        key = cache_key({"model.h5": digest_file(path)})
        folder = self.compiled / key
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"onnx")
        files = {"model.onnx": digest_file(folder / "model.onnx")}
        Compiled(key, "onnx", SIGNATURE, files, "h5", "3", 9, 0.0, (), 0.1).write(folder)
        return folder
