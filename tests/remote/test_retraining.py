"""A retrain over HTTP of a model in a bucket: the job publishes into it, and is promoted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.cells import csv_of, portions
from tests.remote.s3 import BUCKET, SECRET, bucket_at, known, put_tree, running_s3
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow
MODEL = "breast-cancer"
REQUEST = {"fit": {"epochs": 2, "seed": 3}, "gate": {"min_gain": -0.5, "max_latency_ratio": None}}


def job_of(service: RunningService) -> dict[str, Any]:
    first, second, _ = portions()
    inputs = np.concatenate([first.inputs, second.inputs])
    rows = csv_of(inputs, [*first.labels, *second.labels])
    url = f"{service.url}/v1/models/{MODEL}"
    file = requests.post(f"{url}/data?name=rows.csv", data=rows, timeout=60).json()["file"]
    order = {**REQUEST, "data": {"file": file}, "promote": "auto"}
    asked = requests.post(f"{url}:retrain", json=order, timeout=120)
    assert asked.status_code == 202, asked.text
    job = asked.json()["id"]

    def state() -> str:
        return str(service.get(f"/v1/jobs/{job}").json()["state"])

    wait_until(lambda: state() in ("PUBLISHED", "GATED", "FAILED"), "the job ends", 240)
    return dict(service.get(f"/v1/jobs/{job}").json())


def test_what_a_job_has_trained_is_in_the_bucket_and_answers(
    tmp_path: Path, sample_repository: Path
) -> None:
    with running_s3() as server, known(server.environment()):
        bucket = bucket_at("models")
        put_tree(bucket, sample_repository / MODEL, MODEL)
        address, compiled = f"s3://{BUCKET}/models", f"s3://{BUCKET}/compiled"
        with running(address, tmp_path / "state", compiled_url=compiled) as service:
            service.wait_ready()
            ended = job_of(service)
            assert ended["state"] == "PUBLISHED", ended
            assert (ended["result"]["version"], ended["result"]["promoted"]) == (2, True)
            manifest = json.loads(bucket.read(f"{MODEL}/2/manifest.json", 1024**2))
            assert (manifest["parent"], manifest["uploaded_by"]) == (1, f"job {ended['id']}")
            body = json.loads((sample_repository / MODEL / "examples.json").read_bytes())
            assert service.predict(MODEL, body).json()["model_version"] == "2"
            artefacts = {key.split("/")[0] for key in bucket_at("compiled").objects()}
            assert len(artefacts) == 2
            logs = [path.read_text() for path in (tmp_path / "state").rglob("*.log")]
            assert not any(SECRET in text for text in [*logs, service.log.read_text()])
