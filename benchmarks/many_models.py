"""Two hundred models in one repository: start, memory, and the first answer of a cold model.

Once all of them stay loaded; then a worker has a budget for a few, and the others give way.
"""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks import process
from benchmarks.kerasd import Kerasd, kerasd
from benchmarks.scaled import BODY, Scaled

MODELS = 200
UNITS = 512  # a megabyte of weights each
BUDGET_MB = 64
ROUNDS = 2
LOOK_S = 0.05
HOT = 200


@dataclass(frozen=True, slots=True)
class ManyModels:
    """One start of the service with these models; memory is of one worker, the largest of them.

    `first_ms` are answers of models that were not asked before, in a random order, `cold_ms` those
    of a second and later round, and `hot_ms` is the median of one model that is asked again.
    """

    models: int
    budget_mb: int
    ready_s: float
    bare_mb: float
    ready_mb: float
    most_mb: float
    first_ms: Sequence[float]
    cold_ms: Sequence[float]
    hot_ms: float
    refused: int
    wrong: int

    @property
    def grown_mb(self) -> float:
        """What the models take of a worker at most."""
        return self.most_mb - self.bare_mb


def measure(top: Path, models: int = MODELS) -> list[ManyModels]:
    """Make the models once; start without and with a budget."""
    scaled = Scaled(top / "large", UNITS)
    scaled.make()
    state = top / "many-state"
    for number in range(1, models + 1):
        scaled.publish(top / "many" / _name(number) / "1", number)
        scaled.give(state, number)
    scaled.publish(top / "one" / _name(1) / "1", 1)
    bare_mb = _bare_mb(top, state)
    return [_measure(top, state, models, budget, bare_mb) for budget in (0, BUDGET_MB)]


def _bare_mb(top: Path, state: Path) -> float:
    """A worker that has one model and has answered for it."""
    with kerasd(top / "one", state, top / "one.log", {}) as service:
        for _ in range(HOT):
            _Asked(service, 1)
        return _worker_mb(service)


def _measure(top: Path, state: Path, models: int, budget: int, bare_mb: float) -> ManyModels:
    settings = {"model_memory_mb": str(budget)} if budget else {}
    log = top / f"many-{budget}.log"
    with kerasd(top / "many", state, log, settings) as service, Watch(service) as watch:
        ready_mb = _worker_mb(service)
        asked = [_Asked(service, number) for number in _shuffled(models)]
        again = [_Asked(service, number) for _ in range(ROUNDS - 1) for number in _shuffled(models)]
        hot = [_Asked(service, 1) for _ in range(HOT)][1:]
    everybody = [*asked, *again, *hot]
    return ManyModels(
        models=models,
        budget_mb=budget,
        ready_s=service.ready_s,
        bare_mb=bare_mb,
        ready_mb=ready_mb,
        most_mb=watch.most_mb,
        first_ms=[each.took_ms for each in asked],
        cold_ms=[each.took_ms for each in again],
        hot_ms=float(np.median([each.took_ms for each in hot])),
        refused=sum(each.is_refused for each in everybody),
        wrong=sum(each.is_wrong for each in everybody),
    )


class _Asked:
    """One request to one model, over a connection of its own."""

    def __init__(self, service: Kerasd, number: int) -> None:
        began = time.perf_counter()
        status, body = service.call("POST", f"/v1/models/{_name(number)}:predict", BODY)
        self.took_ms = (time.perf_counter() - began) * 1e3
        self.is_refused = status != 200
        self.is_wrong = status == 200 and f"[[{number:.1f},".encode() not in body


class Watch:
    """Looks at the largest worker all the time."""

    def __init__(self, service: Kerasd) -> None:
        self.most_mb = 0.0
        self._service = service
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._is_over.wait(LOOK_S):
            self.most_mb = max(self.most_mb, _worker_mb(self._service))


def _worker_mb(service: Kerasd) -> float:
    return max((process.own_mb(worker) for worker in service.workers()), default=0.0)


def _shuffled(models: int) -> list[int]:
    return random.Random(0).sample(range(1, models + 1), models)


def _name(number: int) -> str:
    return f"model-{number:03}"
