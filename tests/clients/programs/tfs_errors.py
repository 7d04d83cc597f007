"""The mistakes that clients of TensorFlow Serving make, and the texts that they look for."""

import sys
from typing import Any

import requests

ROW = {"instances": [[0.0, 0.0]]}
CASES: tuple[tuple[str, Any, int, str], ...] = (
    ("nobody:predict", ROW, 404, "Servable not found for request: Latest(nobody)"),
    ("churn/versions/99:predict", ROW, 404, "Servable not found for request: Specific(churn, 99)"),
    ("churn/labels/none:predict", ROW, 400, "Unrecognized servable version label: none"),
    ("churn/versions/x:predict", ROW, 400, "versions/x|version: x"),
    ("churn/versions/99999999999999999999:predict", ROW, 400, "Failed to convert version"),
    ("churn:explain", ROW, 400, "Malformed request: POST /v1/models/churn:explain"),
    ("churn/metadata", ROW, 400, "Malformed request: POST /v1/models/churn/metadata"),
    ("cut:predict", ROW, 503, "damaged or incomplete"),
    ("churn:predict", b"", 400, "JSON Parse error: The document is empty"),
    ("churn:predict", b"{", 400, "JSON Parse error"),
    ("churn:predict", b"[1]", 400, ""),
    ("churn:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
    ("churn:predict", {"instances": []}, 400, "instances"),
    ("churn:predict", {"instances": 3}, 400, "instances"),
    ("churn:predict", {**ROW, "inputs": [[0, 0]]}, 400, "inputs"),
    ("churn:predict", {**ROW, "signature_name": 3}, 400, "signature_name"),
    ("churn:predict", {**ROW, "signature_name": "other"}, 400,
     'Serving signature name: "other" not found in signature def'),
    ("churn:predict", {"instances": [[1, 2], [3]]}, 400, "instances"),
    ("churn:predict", {"instances": [[1, "two"]]}, 400, "instances"),
    ("churn:predict", b'{"instances": [[NaN, 1]]}', 400, "NaN"),
    ("churn:predict", {"instances": [[1e300, 1]]}, 400, "instances"),
    ("plans:predict", {"inputs": {"age": [[1]]}}, 400, "plan"),
    ("plans:predict", {"instances": [{"age": [1]}]}, 400, "plan"),
    ("plans:predict", {"instances": [{"age": [1], "plan": [1.5]}]}, 400, "plan"),
    ("plans:predict", {"instances": [{"age": [1], "plan": [2**40]}]}, 400, "plan"),
    ("words:predict", {"instances": [[1]]}, 400, "instances"),
    ("words:predict", {"instances": [[{"b64": "?"}]]}, 400, "instances"),
)  # fmt: skip


def check(url: str, path: str, body: Any, status: int, text: str) -> None:
    given: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    told = requests.post(f"{url}/v1/models/{path}", timeout=30, **given)
    case = (path, body, told.status_code, told.text)
    assert told.status_code == status, case
    assert told.headers["Content-Type"] == "application/json", case
    assert set(told.json()) == {"error"}, case
    assert any(words in told.json()["error"] for words in text.split("|")), case
    assert "Traceback" not in told.text, case


def main(url: str) -> None:
    for case in CASES:
        check(url, *case)
    told = requests.post(f"{url}/v1/models/churn:predict", json=ROW, timeout=30)
    assert told.status_code == 200  # none of it did any harm


if __name__ == "__main__":
    main(sys.argv[1])
    print("done")
