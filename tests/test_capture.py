"""The whole service captures: two workers, one of them killed, labels, a person forgotten."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

from service.base.database import open_database
from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.capture.choice import Choice
from service.capture.feedback import LiveRows, choose
from service.capture.wanted import Wanted
from service.quality.store import QualityStore
from service.training.data.feedback_rows import gather_feedback
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow
SAMPLES = Path(__file__).parent.parent / "model_repo"
MODEL = "motions"
CONFIG = "\ncapture:\n  fraction: 1\n"
PREDICTIONS = 60
CLASSES = 3  # of them labels are sent


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("capture")
    repository = folder / "models"
    shutil.copytree(SAMPLES / MODEL, repository / MODEL)
    with running(repository, folder / "state") as started:
        started.wait_ready()
        config = repository / MODEL / "model.yaml"
        config.write_text(config.read_text() + CONFIG)  # followed by versions that are loaded
        yield started


def sequences(seed: int, rows: int, steps: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, steps, 6)).astype(np.float32)


def predict(service: RunningService, inputs: np.ndarray) -> str:
    """By a new connection each time, so that both workers answer."""
    answer = service.predict(MODEL, {"instances": inputs.tolist()})
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Prediction-Id"]


def infer(service: RunningService, inputs: np.ndarray, name: str) -> str:
    """In binary, under the client's own id."""
    given = {
        "name": signature(service).inputs[0].name, "shape": list(inputs.shape), "datatype": "FP32",
        "parameters": {"binary_data_size": inputs.nbytes},
    }  # fmt: skip
    head = json.dumps({"id": name, "inputs": [given]}).encode()
    answer = requests.post(
        f"{service.url}/v2/models/{MODEL}/infer",
        data=head + inputs.tobytes(),
        headers={"Inference-Header-Content-Length": str(len(head))},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return name


def signature(service: RunningService) -> Signature:
    told = service.get(f"/v2/models/{MODEL}").json()
    axes = tuple(None if axis == -1 else axis for axis in told["inputs"][0]["shape"])
    return Signature((TensorSpec(told["inputs"][0]["name"], "float32", axes),), ())


def live(service: RunningService) -> LiveRows:
    engine = open_database(f"sqlite:///{service.state_dir}/kerasd.sqlite")
    repository = str(service.state_dir.parent / "models")
    return LiveRows(service.state_dir / "captured", QualityStore(engine, repository), MODEL)


def wanted(service: RunningService) -> Wanted:
    classes = len(service.get(f"/v1/models/{MODEL}/quality").json()["versions"][0]["confusion"])
    taken = signature(service)
    sequences_in = frozenset(one.name for one in taken.inputs)
    return Wanted(taken, "classes", classes, padded=sequences_in)


def joined(rows: LiveRows, want: Wanted) -> int:
    try:
        return len(choose(rows, want, Choice())[0])
    except DataRefused:  # nothing is written yet
        return 0


def captured_files(service: RunningService) -> set[str]:
    return {path.name.split("-")[3] for path in service.state_dir.rglob("*.parquet")}


def test_what_both_workers_captured_is_learnt_from_and_forgotten(
    service: RunningService, tmp_path: Path
) -> None:
    def is_followed() -> bool:
        predict(service, sequences(0, 1, 4))
        return len(captured_files(service)) == 2

    wait_until(is_followed, "both workers capture")
    asked = {}
    for n in range(PREDICTIONS):
        inputs = sequences(n + 1, 1 + n % 3, 4 + n % 5)
        own = f"order-{n}"
        name = infer(service, inputs, own) if n % 4 == 0 else predict(service, inputs)
        asked[name] = inputs
    labels = [
        {"prediction_id": f"{name}/{row}", "label": (at + row) % CLASSES}
        for at, (name, inputs) in enumerate(asked.items())
        for row in range(len(inputs))
    ]

    def is_labelled() -> bool:  # own ids are recorded some moments after the answer
        sent = requests.post(
            f"{service.url}/v1/models/{MODEL}:feedback", json={"feedback": labels}, timeout=60
        ).json()
        return bool(sent["kept"] == len(labels))

    wait_until(is_labelled, "every label is taken")
    want, rows = wanted(service), live(service)

    wait_until(lambda: joined(rows, want) == len(labels), "every labelled row is there", 30)
    os.kill(service.workers()[0], signal.SIGKILL)
    found = gather_feedback(rows, want, Choice(), tmp_path)
    given = {
        row.tobytes(): (at + number) % CLASSES
        for at, inputs in enumerate(asked.values())
        for number, row in enumerate(inputs)
    }
    (learnt,) = found.inputs.values()
    assert {row.tobytes(): int(y) for row, y in zip(learnt, found.labels, strict=True)} == given

    first, own = list(asked)[1], "order-4"
    service.wait_ready()
    answer = requests.post(
        f"{service.url}/v1/models/{MODEL}:forget", json={"prediction_ids": [first, own]}, timeout=60
    )
    assert answer.json()["forgotten"] == 2
    gone = len(asked[first]) + len(asked[own])
    assert joined(rows, want) == len(labels) - gone
    metrics = service.get("/metrics").text
    assert f'kerasd_captured_rows_total{{model="{MODEL}",outcome="kept"}}' in metrics
    assert f'kerasd_captured_rows_total{{model="{MODEL}",outcome="failed"}}' not in metrics
