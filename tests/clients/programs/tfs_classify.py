"""TensorFlow Serving's classify and regress through requests."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import requests

LABELS = ["leave", "stay", "grow"]


def ask(url: str, path: str, body: Any, status: int = 200) -> Any:
    told = requests.post(f"{url}/v1/models/{path}", json=body, timeout=30)
    assert told.status_code == status, told.text
    assert told.headers["Content-Type"] == "application/json"
    return told.json()


def check_classify(url: str, x: np.ndarray, y: np.ndarray) -> None:
    """A list for each example, of pairs of label and score."""
    body = {"examples": [{"x": row} for row in x.tolist()]}
    told = ask(url, "churn:classify", body)["results"]
    assert len(told) == len(x)
    for pairs, expected in zip(told, y, strict=True):
        assert sorted(label for label, _ in pairs) == sorted(LABELS)
        scores = dict(pairs)
        np.testing.assert_allclose([scores[label] for label in LABELS], expected, atol=1e-5)
    same: tuple[dict[str, Any], ...] = ({"signature_name": "serving_default"}, {"context": {}})
    for more in same:
        assert ask(url, "churn:classify", {**body, **more})["results"] == told
    assert ask(url, "churn/versions/7:classify", body)["results"] == told
    assert ask(url, "churn/labels/stable:classify", body)["results"] == told


def check_context(url: str) -> None:
    """What all examples share is said once."""
    alone = {"examples": [{"age": 1.0, "plan": 2}, {"age": 0.5, "plan": 2}]}
    shared = {"context": {"plan": 2}, "examples": [{"age": 1.0}, {"age": 0.5}]}
    told = ask(url, "plans:classify", shared)["results"]
    assert told == ask(url, "plans:classify", alone)["results"]
    assert [[label for label, _ in pairs] for pairs in told] == [["", ""]] * 2  # has no labels


def check_regress(url: str) -> None:
    body = {"examples": [{"x": 1.0}, {"x": 2.0}, {"x": [5]}]}
    assert ask(url, "half_plus_two:regress", body)["results"] == [2.5, 3.0, 4.5]
    assert ask(url, "half_plus_two/versions/123:regress", body)["results"] == [2.5, 3.0, 4.5]


def check_refusals(url: str) -> None:
    refused: tuple[dict[str, Any], ...] = (
        {},
        {"examples": []},
        {"examples": {}},
        {"examples": [1.0]},
        {"examples": [{"x": None}, {"x": [1, 2]}]},
        {"examples": [{"x": [[1, 2]]}]},
        {"examples": [{"x": [1, "a"]}]},
        {"examples": [{"y": [1, 2]}]},
        {"examples": [{"x": [1, 2, 3]}]},
        {"signature_name": 3, "examples": [{"x": [1, 2]}]},
    )
    for body in refused:
        assert ask(url, "churn:classify", body, status=400)["error"]
    assert ask(url, "nobody:classify", {"examples": [{"x": 1}]}, 404)["error"] == (
        "Servable not found for request: Latest(nobody)"
    )


def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-7.npz") as stored:
        check_classify(url, stored["in.x"], stored["out.probs"])
    check_context(url)
    check_regress(url)
    check_refusals(url)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
