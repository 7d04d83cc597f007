"""TensorFlow Serving's examples through requests: rows and columns, several inputs, strings."""

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import requests

ATOL = 1e-5


def ask(url: str, path: str, body: Any, **more: Any) -> Any:
    told = requests.post(f"{url}/v1/models/{path}", json=body, timeout=30, **more)
    assert told.status_code == 200, told.text
    assert told.headers["Content-Type"] == "application/json"
    answer = told.json()
    if isinstance(answer, dict):
        answer.pop("prediction_id", None)  # another one for each answer
    return answer


def check_half_plus_two(url: str) -> None:
    """What the documents show of the model that halves and adds two."""
    body = {"instances": [1.0, 2.0, 5.0]}
    told = ask(url, "half_plus_two:predict", body)
    assert told["predictions"] == [2.5, 3.0, 4.5]
    assert ask(url, "half_plus_two/versions/123:predict", body) == told
    assert ask(url, "half_plus_two:predict", {"signature_name": "serving_default", **body}) == told
    assert ask(url, "half_plus_two:predict", {"instances": [{"x": 1.0}, {"x": 2}]})[
        "predictions"] == [2.5, 3.0]  # fmt: skip
    columns = ask(url, "half_plus_two:predict", {"inputs": [1.0, 2.0, 5.0]})
    assert columns["outputs"] == [2.5, 3.0, 4.5]
    named = ask(url, "half_plus_two:predict", {"inputs": {"x": [1.0, 2.0, 5.0]}})
    assert named["outputs"] == columns["outputs"]
    assert ask(url, "half_plus_two:predict", {"instances": [1], "more": "is left aside"})[
        "predictions"] == [2.5]  # fmt: skip


def check_any_content_type(url: str) -> None:
    whole = f"{url}/v1/models/half_plus_two:predict"
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-anything"}):
        told = requests.post(whole, data=b'{"instances": [1.0]}', headers=headers, timeout=30)
        assert told.json()["predictions"] == [2.5]
    zipped = gzip.compress(b'{"instances": [1.0]}')
    told = requests.post(whole, data=zipped, headers={"Content-Encoding": "gzip"}, timeout=30)
    assert told.json()["predictions"] == [2.5]
    shouted = f"{url}/V1/MODELS/half_plus_two:PREDICT"
    assert requests.post(shouted, data=b'{"instances": [1.0]}', timeout=30).status_code == 200


def check_rows_and_columns(url: str, stored: Any) -> None:
    """Several inputs: objects by name in rows, one object of tensors in columns."""
    age, plan = stored["in.age"].tolist(), stored["in.plan"].tolist()
    rows = [{"age": a, "plan": p} for a, p in zip(age, plan, strict=True)]
    told = ask(url, "plans:predict", {"instances": rows})["predictions"]
    columns = ask(url, "plans:predict", {"inputs": {"age": age, "plan": plan}})["outputs"]
    assert all(set(row) == {"prob", "cost"} for row in told)
    assert set(columns) == {"prob", "cost"}
    for name in ("prob", "cost"):
        expected = stored[f"out.{name}"]
        np.testing.assert_allclose([row[name] for row in told], expected, atol=ATOL)
        np.testing.assert_allclose(columns[name], expected, atol=ATOL)


def check_strings(url: str, stored: Any) -> None:
    texts, expected = stored["in.text"].tolist(), stored["out.liked"]
    told = ask(url, "words:predict", {"instances": texts})["predictions"]
    np.testing.assert_allclose(told, expected, atol=ATOL)
    encoded = [[{"b64": base64.b64encode(text.encode()).decode()}] for (text,) in texts]
    told = ask(url, "words:predict", {"instances": encoded})["predictions"]
    np.testing.assert_allclose(told, expected, atol=ATOL)


def check_samples(url: str, folder: Path) -> None:
    """The sample models decide as their examples' true labels say, nearly always."""
    for model in ("breast-cancer", "digits", "motions"):
        body = (folder / model / "examples.json").read_bytes()
        told = requests.post(f"{url}/v1/models/{model}:predict", data=body, timeout=30).json()
        truth = json.loads(body)["labels"]
        said = [decision["label"] for decision in told["decisions"]]
        assert np.mean([a == b for a, b in zip(said, truth, strict=True)]) >= 0.9


def main(url: str, answers: Path) -> None:
    check_half_plus_two(url)
    check_any_content_type(url)
    with np.load(answers / "plans-7.npz") as stored:
        check_rows_and_columns(url, stored)
    with np.load(answers / "words-7.npz") as stored:
        check_strings(url, stored)
    check_samples(url, answers.parent / "repository")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
