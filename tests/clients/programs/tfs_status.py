"""TensorFlow Serving's status and metadata through requests, and where KServe's meet them."""

import sys
from typing import Any

import requests

HALF_PLUS_TWO = {
    "model_spec": {"name": "half_plus_two", "signature_name": "", "version": "123"},
    "metadata": {"signature_def": {"signature_def": {"serving_default": {
        "inputs": {"x": {
            "dtype": "DT_FLOAT", "name": "x:0",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        }},
        "outputs": {"y": {
            "dtype": "DT_FLOAT", "name": "y:0",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        }},
        "method_name": "tensorflow/serving/predict", "defaults": {},
    }}}},
}  # fmt: skip
FINE = {"error_code": "OK", "error_message": ""}


def get(url: str, path: str, status: int = 200) -> Any:
    told = requests.get(f"{url}{path}", timeout=30)
    assert told.status_code == status, (path, told.status_code, told.text)
    assert told.headers["Content-Type"] == "application/json"
    return told.json()


def check_status(url: str) -> None:
    status = get(url, "/v1/models/half_plus_two")
    assert status["model_version_status"] == [
        {"version": "123", "state": "AVAILABLE", "status": FINE}
    ]
    assert (status["name"], status["ready"]) == ("half_plus_two", True)
    one = get(url, "/v1/models/half_plus_two/versions/123")
    assert one["model_version_status"] == status["model_version_status"]
    states = {
        entry["version"]: entry["state"]
        for entry in get(url, "/v1/models/churn")["model_version_status"]
    }
    assert states["7"] == "AVAILABLE"
    assert get(url, "/v1/models/churn/labels/stable")["model_version_status"]
    (cut,) = get(url, "/v1/models/cut")["model_version_status"]
    assert (cut["version"], cut["state"]) == ("1", "END")
    assert cut["status"]["error_code"] != "OK"
    assert "damaged or incomplete" in cut["status"]["error_message"]
    listed = get(url, "/v1/models")["models"]
    assert {"churn", "half_plus_two", "digits"} <= set(listed)
    assert get(url, "/")["status"].lower() == "alive"


def check_metadata(url: str) -> None:
    assert get(url, "/v1/models/half_plus_two/metadata") == HALF_PLUS_TWO
    assert get(url, "/v1/models/half_plus_two/versions/123/metadata") == HALF_PLUS_TWO
    signature = get(url, "/v1/models/plans/metadata")["metadata"]["signature_def"][
        "signature_def"]["serving_default"]  # fmt: skip
    assert {name: spec["dtype"] for name, spec in signature["inputs"].items()} == {
        "age": "DT_FLOAT", "plan": "DT_INT32"
    }  # fmt: skip
    words = get(url, "/v1/models/words/metadata")["metadata"]["signature_def"]["signature_def"]
    assert words["serving_default"]["inputs"]["text"]["dtype"] == "DT_STRING"
    assert get(url, "/v1/models/churn/labels/stable/metadata")["model_spec"]["version"] == "7"


def check_refusals(url: str) -> None:
    for path, status, text in (
        ("nobody", 404, "Could not find any versions of model nobody"),
        ("churn/versions/99", 404, "Could not find version 99 of model churn"),
        ("nobody/metadata", 404, "Servable not found for request: Latest(nobody)"),
        ("churn/versions/99/metadata", 404, "Servable not found for request: Specific(churn, 99)"),
        ("churn/labels/none/metadata", 400, "Unrecognized servable version label: none"),
        ("churn/versions/7/labels/stable", 400, "Malformed request: GET /v1/models/churn/"),
        ("churn/versions/99999999999999999999", 400, "Failed to convert version"),
        ("churn:predict", 400, "Malformed request: GET /v1/models/churn:predict"),
    ):
        assert text in get(url, f"/v1/models/{path}", status)["error"]


def main(url: str) -> None:
    check_status(url)
    check_metadata(url)
    check_refusals(url)


if __name__ == "__main__":
    main(sys.argv[1])
    print("done")
