"""A repository with one small served version, its controller, and jobs that retrain it, in one
process.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer

from service.base.compiled import cache_key, digest_file
from service.base.confinement import Limits
from service.base.database import migrate, open_database
from service.base.settings import Settings
from service.controller.controller import Controller
from service.controller.limits import ControllerLimits
from service.jobs.attempt import Attempt
from service.jobs.job import Job, JobOrder, Kind
from service.jobs.store import JobStore
from service.loading.compiling import Sources, compile_version
from service.training.ended import Ended
from service.training.workplace import Workplace, open_workplace

MODEL = "cells"
STEP_S = 0.05


class Killed(BaseException):
    """The attempt ends in the middle, as by SIGKILL."""


@dataclass(slots=True)
class Shop:
    """Everything around a job; `controller` never compiles, it only finds what is compiled."""

    settings: Settings
    place: Workplace
    jobs: JobStore
    controller: Controller
    model: str = MODEL

    def submit(self, kind: Kind = Kind.RETRAIN, **request: Any) -> Job:
        """Queue a job and begin its first attempt."""
        self.jobs.submit(JobOrder(kind, self.model, request, by="ada"), time.time())
        return self.begin()

    def begin(self) -> Job:
        """Begin the next attempt of what waits."""
        job = self.jobs.claim(time.time(), at_once=10)
        assert job is not None
        return job

    def run(self, job: Job, work: Callable[[Attempt, Workplace], Ended]) -> Ended:
        """One attempt to its end, with the end in its row."""
        folder = self.settings.jobs_dir / job.id
        folder.mkdir(parents=True, exist_ok=True)
        with Attempt(self.jobs, job, folder) as attempt:
            ended = work(attempt, self.place)
            attempt.finish(ended.state, ended.result, ended.error)
        return ended

    def lose(self, job: Job) -> Job:
        """Give an attempt up whose program was killed, and begin the next one."""
        now = time.time()
        self.jobs.give_up(job.id, job.attempt, now, "killed", retry_at=now)
        return self.begin()

    @contextmanager
    def controlled(self) -> Iterator[None]:
        """The controller at work meanwhile."""
        ending = threading.Event()

        def work() -> None:
            while not ending.wait(STEP_S):
                self.controller.step(time.monotonic())

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def open_shop(root: Path) -> Shop:
    """A repository with a champion that has learned little, READY and current."""
    shop = _opened(root, MODEL)
    write_rows(root / "data")
    write_champion(shop.settings.repository / MODEL / "1" / "model.h5", shop.place.compiled_dir)
    (shop.settings.repository / MODEL / "model.yaml").write_text(
        "task: binary\nlabels: [benign, malignant]\n"
    )
    return _found(shop)


def open_sample(root: Path, sample: Path) -> Shop:
    """A repository with one of the sample models, READY and current; there are no rows yet."""
    shop = _opened(root, sample.name)
    (root / "data").mkdir()
    shutil.copytree(sample, shop.settings.repository / sample.name)
    files = {path.name: path for path in (shop.settings.repository / sample.name / "1").iterdir()}
    shop.place.compiled_dir.mkdir(parents=True)
    compile_files(files, shop.place.compiled_dir)
    return _found(shop)


def _opened(root: Path, model: str) -> Shop:
    settings = Settings(
        repository=root / "models", state_dir=root / "state", data_dir=root / "data"
    )
    engine = open_database(settings.database)
    migrate(engine)
    place = open_workplace(settings, engine)
    limits = ControllerLimits(0.0, jobs=0, timeout_s=60, child=Limits(2**33, 60, 2**33))
    controller = Controller(
        settings.repository, place.versions, place.compiled_dir, settings.run_dir, limits
    )
    return Shop(settings, place, JobStore(engine, settings.repository_key), controller, model)


def _found(shop: Shop) -> Shop:
    for _ in range(3):
        shop.controller.step(time.monotonic())
    return shop


def rows() -> tuple[np.ndarray, np.ndarray]:
    """Measurements of cells, scaled; 1 is malignant."""
    values, benign = load_breast_cancer(return_X_y=True)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    return scaled.astype(np.float32), 1 - benign


def write_rows(folder: Path) -> None:
    """The rows as CSV, once with their labels, once with those of other rows."""
    folder.mkdir()
    inputs, labels = rows()
    shuffled = np.random.default_rng(1).permutation(labels)
    header = ",".join([*(f"f{n}" for n in range(inputs.shape[1])), "y"])
    for name, column in (("cells.csv", labels), ("shuffled.csv", shuffled)):
        table = np.column_stack([inputs, column])
        np.savetxt(folder / name, table, "%.6g", ",", header=header, comments="")


def write_champion(file: Path, compiled_dir: Path) -> None:
    """A model that has seen a few rows, as a file, and compiled."""
    import keras

    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((30,)), *layers])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    inputs, labels = rows()
    model.fit(inputs[:40], labels[:40], epochs=1, batch_size=20, verbose=0)
    file.parent.mkdir(parents=True)
    model.save(file)
    compiled_dir.mkdir(parents=True)
    compile_files({file.name: file}, compiled_dir)


def compile_files(files: dict[str, Path], compiled_dir: Path) -> None:
    """A version's files, compiled as the controller would have them."""
    digests = {name: digest_file(path) for name, path in files.items()}
    key = cache_key(digests)
    compile_version(Sources(files, digests, key), compiled_dir / key, lambda stage: None)
