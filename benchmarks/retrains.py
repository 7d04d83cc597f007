"""What a retrain costs those whose requests are answered meanwhile.

A sample model answers one row at a time, at half of what the service can do. Stretches with a whole
retrain of it, from the request to the verdict, take turns with stretches as long without any.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from benchmarks import process
from benchmarks.contestants import ROOT
from benchmarks.dialects import Request
from benchmarks.kerasd import Kerasd, kerasd
from benchmarks.phase import say
from benchmarks.steady import FAILED, Steady, Told, percentile_ms

MODEL = "digits"
CONNECTIONS = 16
CAPACITY_S = 4.0
LOOK_S = 0.25
JOB_S = 900.0
ENDED = ("GATED", "PUBLISHED", "SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when, and how many cores others used meanwhile."""

    began: float
    ended: float
    others: float


@dataclass(frozen=True, slots=True)
class Training:
    """What came of it: p99s of all rounds together; p50s, p99s, and how many cores others used, of
    each round."""

    capacity_per_s: float
    offered_per_s: float
    requests: int
    failed: int
    alone_ms: float
    training_ms: float
    alone_p50_ms: Sequence[float]
    training_p50_ms: Sequence[float]
    alone_p99_ms: Sequence[float]
    training_p99_ms: Sequence[float]
    job_s: Sequence[float]
    alone_others: Sequence[float]
    training_others: Sequence[float]

    @property
    def p99_ratio(self) -> float:
        """What retrains make of the p99 of all requests."""
        return self.training_ms / self.alone_ms

    @property
    def p99_ratios(self) -> list[float]:
        """The same of each round."""
        pairs = zip(self.training_p99_ms, self.alone_p99_ms, strict=True)
        return [training / alone for training, alone in pairs]


def measure(top: Path, rounds: int, epochs: int) -> Training:
    """Start the service over a sample model, and retrain it so often."""
    repository = top / "repository"
    shutil.copytree(ROOT / "model_repo" / MODEL, repository / MODEL)
    with kerasd(repository, top / "state", top / "training.log", {}) as service:
        return _measure(service, rounds, epochs)


def _measure(service: Kerasd, rounds: int, epochs: int) -> Training:
    images, truths = load_digits(return_X_y=True)
    request = Request(f"/v1/models/{MODEL}:predict", _instances(images[:1]))
    order = _order(service, _upload(service, images, truths), epochs)
    say("how much it can do")
    with Steady(service.port, request, {}, 0, CONNECTIONS) as eager:
        time.sleep(CAPACITY_S)
    capacity = len(eager.told) / CAPACITY_S
    training, alone = [], []
    with Steady(service.port, request, {}, capacity / 2, CONNECTIONS) as steady:
        time.sleep(1)  # the first requests meet cold connections
        for number in range(rounds):
            training.append(_stretch(service, order))
            took_s = training[-1].ended - training[-1].began
            say(f"round {number + 1}: a retrain of {took_s:.0f} s")
            alone.append(_stretch(service, partial(time.sleep, took_s)))

    def told(stretches: Sequence[Stretch]) -> list[list[Told]]:
        return [steady.between(each.began, each.ended) for each in stretches]

    def share(stretches: Sequence[Stretch], percent: float) -> list[float]:
        return [percentile_ms(each, percent) for each in told(stretches)]

    def together(stretches: Sequence[Stretch]) -> float:
        return percentile_ms(list(chain.from_iterable(told(stretches))), 99)

    return Training(
        capacity_per_s=capacity,
        offered_per_s=capacity / 2,
        requests=len(steady.told),
        failed=sum(each.said == FAILED for each in steady.told),
        alone_ms=together(alone),
        training_ms=together(training),
        alone_p50_ms=share(alone, 50),
        training_p50_ms=share(training, 50),
        alone_p99_ms=share(alone, 99),
        training_p99_ms=share(training, 99),
        job_s=[each.ended - each.began for each in training],
        alone_others=[each.others for each in alone],
        training_others=[each.others for each in training],
    )


def _stretch(service: Kerasd, do: Callable[[], object]) -> Stretch:
    """As long as something takes."""
    began, others = time.perf_counter(), process.cpu_seconds_of_others(service.root)
    do()
    ended, others = time.perf_counter(), process.cpu_seconds_of_others(service.root) - others
    return Stretch(began, ended, max(others, 0.0) / (ended - began))


def _order(service: Kerasd, file: str, epochs: int) -> Callable[[], None]:
    """What has the model retrained and waits for the end."""
    body = {"data": {"file": file}, "fit": {"epochs": epochs}, "promote": "never"}

    def retrain() -> None:
        job = json.loads(_call(service, "POST", f"/v1/models/{MODEL}:retrain", body))["id"]
        deadline = time.perf_counter() + JOB_S
        while True:
            told = json.loads(_call(service, "GET", f"/v1/jobs/{job}"))
            if told["state"] in ENDED:
                break
            if time.perf_counter() > deadline:
                raise ValueError(f"the retrain has not ended in {JOB_S:.0f} s")
            time.sleep(LOOK_S)
        if told["state"] not in ("GATED", "SUCCEEDED"):
            raise ValueError(f"the retrain is {told['state']}: {told['error']}")

    return retrain


def _upload(service: Kerasd, images: np.ndarray, truths: np.ndarray) -> str:
    lines = [",".join([*(f"p{number}" for number in range(images.shape[1])), "y"])]
    lines += [
        ",".join(map(str, [*row, truth]))
        for row, truth in zip(images.astype(int).tolist(), truths.tolist(), strict=True)
    ]
    body = "\n".join([*lines, ""]).encode()
    path = f"/v1/models/{MODEL}/data?name=digits.csv"
    return str(json.loads(_call(service, "POST", path, body))["file"])


def _call(service: Kerasd, method: str, path: str, body: object = None) -> bytes:
    status, answer = service.call(method, path, body)
    if status not in (200, 201, 202):
        raise ValueError(f"{path} was answered {status}: {answer[:300]!r}")
    return answer


def _instances(images: np.ndarray) -> bytes:
    return json.dumps({"instances": images.reshape(-1, 8, 8, 1).tolist()}).encode()
