"""Asks with tritonclient for everything but predictions: signs of life, metadata, repository."""

import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

EXTENSIONS = {
    "classification", "model_repository", "model_repository(unload_dependents)",
    "model_configuration", "binary_tensor_data", "parameters", "statistics",
}  # fmt: skip
DURATIONS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


def check_health(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("churn")
    assert client.is_model_ready("churn", "7")
    assert not client.is_model_ready("cut")
    assert not client.is_model_ready("nobody")
    assert not client.is_model_ready("churn", "99")


def check_metadata(client: triton.InferenceServerClient) -> None:
    server = client.get_server_metadata()
    assert server["name"] == "kerasd"
    assert server["version"]
    assert set(server["extensions"]) == EXTENSIONS

    churn = client.get_model_metadata("churn")
    assert churn["name"] == "churn"
    assert "7" in churn["versions"]
    assert churn["platform"]
    assert churn["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    outputs = {output["name"]: output for output in churn["outputs"]}
    assert outputs["probs"] == {"name": "probs", "datatype": "FP32", "shape": [-1, 3]}
    assert outputs["class_index"] == {"name": "class_index", "datatype": "INT64", "shape": [-1]}
    assert outputs["label"] == {"name": "label", "datatype": "BYTES", "shape": [-1]}
    assert outputs["score"] == {"name": "score", "datatype": "FP32", "shape": [-1]}
    assert client.get_model_metadata("churn", "7") == churn

    plans = client.get_model_metadata("plans")
    assert [(i["name"], i["datatype"]) for i in plans["inputs"]] == [
        ("age", "FP32"), ("plan", "INT32")
    ]  # fmt: skip
    assert client.get_model_metadata("words")["inputs"][0]["datatype"] == "BYTES"
    assert client.get_model_metadata("series")["inputs"][0]["shape"] == [-1, -1, 3]


def check_config(client: triton.InferenceServerClient) -> None:
    config = client.get_model_config("churn")
    assert config["name"] == "churn"
    assert config["platform"] or config["backend"]
    assert config["max_batch_size"] > 0
    (given,) = config["input"]
    assert (given["name"], given["data_type"], given["dims"]) == ("x", "TYPE_FP32", [2])
    probs = next(output for output in config["output"] if output["name"] == "probs")
    assert (probs["data_type"], probs["dims"]) == ("TYPE_FP32", [3])
    assert client.get_model_config("churn", "7")["name"] == "churn"
    assert client.get_model_config("words")["input"][0]["data_type"] == "TYPE_STRING"


def check_index(client: triton.InferenceServerClient) -> None:
    index = client.get_model_repository_index()
    states = {(entry["name"], entry.get("version")): entry["state"] for entry in index}
    assert states["churn", "7"] == "READY"
    assert states["half_plus_two", "123"] == "READY"
    broken = next(entry for entry in index if entry["name"] == "cut")
    assert broken["state"] == "UNAVAILABLE"
    assert "damaged or incomplete" in broken["reason"]


def check_statistics(client: triton.InferenceServerClient) -> None:
    before = _statistics(client, "half_plus_two")
    given = triton.InferInput("x", [64], "FP32")
    given.set_data_from_numpy(np.arange(64, dtype="float32"))
    for _ in range(10):
        client.infer("half_plus_two", [given])
    rows = before["inference_count"] + 640
    after = _statistics_when(  # another worker's figures may be read between two of them
        client,
        "half_plus_two",
        lambda entry: (
            entry["inference_count"] == rows
            and entry["execution_count"] > before["execution_count"]
            and entry["inference_stats"]["success"]["count"] - _successes(before) == 10
        ),
    )
    assert 1 <= after["execution_count"] - before["execution_count"] <= 10
    assert after["inference_stats"]["success"]["count"] - _successes(before) == 10
    for name in DURATIONS:
        assert after["inference_stats"][name]["ns"] >= before["inference_stats"][name]["ns"]
    assert after["last_inference"] > 1_600_000_000_000  # milliseconds
    listed = client.get_inference_statistics()["model_stats"]
    assert {"churn", "half_plus_two"} <= {entry["name"] for entry in listed}
    assert _statistics(client, "half_plus_two", "123")["version"] == "123"


def _statistics(
    client: triton.InferenceServerClient, model: str, version: str = ""
) -> dict[str, Any]:
    (entry,) = client.get_inference_statistics(model, version)["model_stats"]
    assert entry["name"] == model
    return dict(entry)


def _statistics_when(
    client: triton.InferenceServerClient, model: str, claim: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Workers tell each other of their counts within a second or two."""
    deadline = time.monotonic() + 10
    while not claim(entry := _statistics(client, model)):
        assert time.monotonic() < deadline, entry
    return entry


def _successes(entry: dict[str, Any]) -> int:
    return int(entry["inference_stats"]["success"]["count"])


def check_unknown(client: triton.InferenceServerClient) -> None:
    for ask in (
        client.get_model_metadata, client.get_model_config, client.get_inference_statistics
    ):  # fmt: skip
        try:
            ask("nobody")
        except InferenceServerException as error:
            assert error.status() in ("400", "404"), error
            assert "nobody" in error.message()
        else:
            raise AssertionError(f"{ask.__name__} of a model that isn't there")


def main(url: str) -> None:
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        check_health(client)
        check_metadata(client)
        check_config(client)
        check_index(client)
        check_statistics(client)
        check_unknown(client)


if __name__ == "__main__":
    main(sys.argv[1])
    print("done")
