"""The client, the samples and the documents of the client against a real service."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from service.base.errors import ServiceRefused
from service.client import Client
from tests.pasted import pasted
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow

SAMPLES = ("breast-cancer", "digits", "motions")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def service(
    sample_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    state = tmp_path_factory.mktemp("client") / "state"
    with running(sample_repository, state) as started:
        yield started


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as ours:
        ours.wait_ready(timeout_s=240)
        yield ours


def rows_of(sample_repository: Path, model: str) -> list[Any]:
    rows: list[Any] = json.loads((sample_repository / model / "examples.json").read_text())[
        "instances"
    ]
    return [rows[0]] * 3  # of one length, also where it is free


class TestPredictions:
    @pytest.mark.parametrize("model", SAMPLES)
    def test_bytes_and_json_give_the_same(
        self, client: Client, sample_repository: Path, model: str
    ) -> None:
        rows = rows_of(sample_repository, model)
        as_json, as_bytes = client.predict(model, rows), client.predict(model, np.array(rows))
        assert isinstance(as_json.predictions, np.ndarray)
        assert isinstance(as_bytes.predictions, np.ndarray)
        assert as_bytes.predictions.dtype == as_json.predictions.dtype == np.float32
        np.testing.assert_array_equal(as_bytes.predictions, as_json.predictions)
        assert as_bytes.model_version == as_json.model_version == "1"
        for one, other in zip(as_bytes.decisions, as_json.decisions, strict=True):
            assert (one.class_index, one.label) == (other.class_index, other.label)
            assert one.score == pytest.approx(other.score, abs=1e-6)

    def test_by_name_and_by_version(self, client: Client) -> None:
        signature = client.metadata("digits")
        inputs = {signature.inputs[0].name: np.zeros((2, 8, 8, 1), np.uint8)}
        given = client.predict("digits", inputs, version=1)
        assert isinstance(given.predictions, np.ndarray)
        assert given.predictions.shape == (2, 10)

    def test_refusals_have_their_status(self, client: Client) -> None:
        with pytest.raises(ServiceRefused, match="nobody") as unknown:
            client.predict("nobody", [[1.0]])
        with pytest.raises(ServiceRefused, match="instances") as misfit:
            client.predict("digits", [[1.0]])
        with pytest.raises(ServiceRefused, match="shape") as array:
            client.predict("digits", np.zeros((1, 3)))
        with pytest.raises(ServiceRefused, match="label") as label:
            client.predict("digits", [[1.0]], label="nobody")
        statuses = [error.value.status for error in (unknown, misfit, array, label)]
        assert statuses == [404, 400, 400, 400]


class TestControl:
    def test_what_there_is(self, client: Client) -> None:
        assert {row["model"] for row in client.models()} == set(SAMPLES)
        assert client.status("motions")[0]["state"] == "AVAILABLE"
        assert client.ready()

    def test_a_model_is_unloaded_and_loaded(self, client: Client, service: RunningService) -> None:
        def is_loaded() -> bool:
            answers = [service.get("/v2/models/motions/ready").status_code for _ in range(8)]
            return answers == [200] * 8

        client.unload("motions")
        with pytest.raises(ServiceRefused):
            Client(service.url, retries=0).predict("motions", [[[0.0] * 6]])
        client.load("motions")
        wait_until(is_loaded, "motions is loaded again")


class TestSamples:
    @pytest.mark.parametrize("model", SAMPLES)
    @pytest.mark.parametrize("language", ["curl", "python", "javascript"])
    def test_a_pasted_sample_is_answered(
        self, client: Client, service: RunningService, model: str, language: str
    ) -> None:
        text = service.get(f"/v1/models/{model}/sample?format={language}").text
        assert text == client.sample(model)[language]
        ran = subprocess.run(pasted(language, text), capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        read = ast.literal_eval if language == "python" else json.loads
        assert read(ran.stdout)["model_version"] == "1"

    @pytest.mark.parametrize("model", SAMPLES)
    def test_both_bodies_are_answered(
        self, client: Client, service: RunningService, model: str
    ) -> None:
        sample = client.sample(model)
        assert service.predict(model, sample["request"]).status_code == 200
        url = f"{service.url}/v2/models/{model}/infer"
        assert requests.post(url, json=sample["v2_request"], timeout=60).status_code == 200

    def test_the_address_is_the_one_that_was_asked(
        self, client: Client, service: RunningService
    ) -> None:
        url = f"{service.url}/v1/models/digits/sample?format=curl"
        given = requests.get(url, headers={"Host": "models.example.org"}, timeout=60)
        assert "http://models.example.org/v1/models/digits:predict" in given.text
        hostile = requests.get(url, headers={"Host": "a;reboot"}, timeout=60)
        assert hostile.status_code == 400

    def test_what_there_is_no_sample_of(self, client: Client, service: RunningService) -> None:
        assert service.get("/v1/models/nobody/sample").status_code == 404
        refused = service.get("/v1/models/digits/sample?format=cobol")
        assert refused.status_code == 400
        assert "expected json, curl, python, javascript, got 'cobol'" in refused.json()["error"]


def blocks() -> list[str]:
    text = (Path(__file__).parent.parent / "docs" / "client.md").read_text()
    return PYTHON.findall(text)


@pytest.mark.parametrize("block", blocks())
def test_a_block_of_the_document_runs(service: RunningService, client: Client, block: str) -> None:
    ours = block.replace("http://localhost:8080", service.url)
    ran = subprocess.run([sys.executable, "-c", ours], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
