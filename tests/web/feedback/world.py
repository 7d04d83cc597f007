"""A worker that gives receipts, over fake models of each kind of answers, and its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.base.signature import Signature, TensorSpec
from service.base.strict_json import Json
from service.repository.model_config import Feedback, ModelConfig
from service.repository.states import State
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import Answer, FlaskClient, row, working

LABELS = ("cat", "dog", "owl")
CONFIGS = {
    "pets": ModelConfig(labels=LABELS),
    "brief": ModelConfig(feedback=Feedback(horizon_days=0.5)),
    "prices": ModelConfig(task="regression"),
}
GONE = replace(row("brief", State.RETIRED), version=3)  # has the configuration of its time


def signature(width: int, activation: str) -> Signature:
    """Numbers in, as many out."""
    return Signature(
        (TensorSpec("x", "float32", (None, width)),),
        (TensorSpec("y", "float32", (None, width), activation=activation),),
    )


def fakes() -> dict[str, FakeVersion]:
    return {
        "pets": FakeVersion(),
        "brief": FakeVersion(),
        "prices": FakeVersion(signature(1, "linear")),
        "tags": FakeVersion(signature(3, "sigmoid")),
    }


@contextmanager
def worker(folder: Path, **settings: Any) -> Iterator[WebProcess]:
    """One that has its keys; version 2 of each model answers what it is asked."""
    with working(folder, fakes(), CONFIGS, (GONE,), **settings) as process:
        process.quality.keys.refresh()
        yield process


def rows_of(*classes: int) -> list[list[float]]:
    """Instances that are answered with these classes."""
    return [[0.8 if index == one else 0.1 for index in range(3)] for one in classes]


def predicted(client: FlaskClient, rows: list[Any], model: str = "pets") -> str:
    """The id of a prediction."""
    answer = client.predict(model, {"instances": rows})
    assert answer.status == 200, answer.json
    assert answer.json["prediction_id"] == answer.headers["x-prediction-id"]
    return str(answer.json["prediction_id"])


def send(client: FlaskClient, claims: list[tuple[str, Any]], model: str = "pets") -> Json:
    """What became of these labels."""
    rows = [{"prediction_id": id_, "label": label} for id_, label in claims]
    return taken(client.post(f"/v1/models/{model}:feedback", {"feedback": rows}))


def taken(answer: Answer) -> Json:
    assert answer.status == 200, answer.body
    record: Json = answer.json
    return record


def matrix(process: WebProcess, model: str = "pets") -> list[list[int]]:
    found: list[list[int]] = process.quality.store.matrix(model, 2).tolist()
    return found
