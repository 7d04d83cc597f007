"""A model that finds few of the ill, and the thousand people whom it is asked about."""

import random
from pathlib import Path

import requests

from tests.labelling import Labelling
from tests.making import make

MODEL = "screening"
# Truth, input, rows; what is predicted follows the input.
PEOPLE = (("ill", 1.0, 2), ("healthy", 1.0, 3), ("ill", 0.0, 7), ("healthy", 0.0, 988))
ROWS = 20  # of a request
LABELS = 100


def write_model(models: Path) -> None:
    """The model, readable by everybody: in a container another user reads it."""
    make("make_screening", models / MODEL / "1" / "model.h5")
    (models / MODEL / "model.yaml").write_text("task: binary\nlabels: [healthy, ill]\n")


def predict(url: str, values: list[float]) -> list[str]:
    """The ids of predictions for these."""
    body = {"instances": [[value] for value in values]}
    answer = requests.post(f"{url}/v1/models/{MODEL}:predict", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    receipt = answer.json()["prediction_id"]
    return [f"{receipt}/{row}" for row in range(len(values))]


def predict_and_label(url: str) -> None:
    """Ask about all people, then tell what was true of each."""
    people = [(truth, value) for truth, value, rows in PEOPLE for _ in range(rows)]
    random.Random(7).shuffle(people)
    known: list[tuple[str, str]] = []
    for at in range(0, len(people), ROWS):
        some = people[at : at + ROWS]
        ids = predict(url, [value for _, value in some])
        known += zip(ids, [truth for truth, _ in some], strict=True)
    labelling = Labelling(url, MODEL)
    for at in range(0, len(known), LABELS):
        assert labelling.send(known[at : at + LABELS]) == {"accepted": LABELS}
