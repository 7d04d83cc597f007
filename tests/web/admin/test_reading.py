"""How two versions differ, over HTTP: out of files, manifests and compiled records."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.base.compiled import Compiled
from service.base.signature import Signature, TensorSpec
from service.repository.manifest import write_manifest
from service.web.process import WebProcess
from tests.web.admin.versions import worker
from tests.web.client import FlaskClient

X = TensorSpec("x", "float32", (None, 2))


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with worker(tmp_path) as process:
        for version, width in ((1, 3), (2, 4)):
            write_version(process, version, width)
        yield process


def write_version(process: WebProcess, version: int, width: int) -> None:
    key = f"a{version}"
    folder = process.settings.compiled_path / key
    folder.mkdir(parents=True)
    signature = Signature((X,), (TensorSpec("y", "float32", (None, width)),))
    Compiled(
        key=key, runtime="onnx", signature=signature, files={}, format="h5", keras_version="2.4.0",
        parameters=10 * width, max_relative_error=0.0, notes=("same",), took_s=float(version),
    ).write(folder)  # fmt: skip
    home = process.settings.repository / "m" / str(version)
    home.mkdir(parents=True)
    (home / "model.h5").write_bytes(b"x" * width)


def diff(client: FlaskClient, old: object = 1, new: object = 2, model: str = "m") -> Any:
    return client.ask("GET", f"/v1/models/{model}/diff?from={old}&to={new}")


def test_each_difference_is_named_and_both_sides_are_told(client: FlaskClient) -> None:
    record = diff(client).json
    assert record["differs"] == [
        "artefact",
        "parameters",
        "signature.outputs[0].shape",
        'files["model.h5"].size',
        'files["model.h5"].sha256',
    ]
    old, new = record["from"], record["to"]
    assert (old["version"], new["version"]) == (1, 2)
    assert old["signature"]["outputs"][0]["shape"] == [None, 3]
    assert new["parameters"] == 40
    assert old["files"]["model.h5"] == {"size": 3, "sha256": hashlib.sha256(b"xxx").hexdigest()}


def test_a_version_does_not_differ_from_itself(client: FlaskClient) -> None:
    assert diff(client, 1, 1).json["differs"] == []


def test_the_other_way_round_it_is_the_same_places(client: FlaskClient) -> None:
    assert diff(client, 2, 1).json["differs"] == diff(client).json["differs"]


def test_a_manifest_tells_digests_and_scores(client: FlaskClient, process: WebProcess) -> None:
    home = process.settings.repository / "m" / "2"
    write_manifest(home, {"model.h5": "ab" * 32})
    manifest = orjson.loads((home / "manifest.json").read_bytes())
    told = {**manifest, "scores": {"accuracy": 0.9}}
    (home / "manifest.json").write_bytes(orjson.dumps(told))
    record = diff(client).json
    assert record["to"]["files"]["model.h5"]["sha256"] == "ab" * 32
    assert record["to"]["scores"] == {"accuracy": 0.9}
    assert "scores" in record["differs"]


@pytest.mark.parametrize("kind", ["broken", "link", "fifo", "missing"])
def test_what_cannot_be_read_is_left_out(
    client: FlaskClient, process: WebProcess, kind: str
) -> None:
    path = process.settings.repository / "m" / "2" / "manifest.json"
    if kind == "broken":
        path.write_text("{")
    elif kind == "link":
        secret = process.settings.state_dir / "secret.json"
        secret.write_text('{"files": {}, "scores": {"secret": 1}}')
        path.symlink_to(secret)
    elif kind == "fifo":
        os.mkfifo(path)
    answer = diff(client)
    assert answer.status == 200
    assert "scores" not in answer.json["to"]


def test_a_version_without_files_or_record_is_told_too(
    client: FlaskClient, process: WebProcess
) -> None:
    record = diff(client, 1, 3).json
    assert record["to"] == {"version": 3, "state": "READY", "artefact": "a3"}
    assert {"format", "signature", "files"} <= set(record["differs"])
    failed = diff(client, 3, 3, "broken").json["from"]
    assert failed == {"version": 3, "state": "FAILED", "artefact": ""}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("m/diff?from=1&to=9", 404, "Could not find version 9 of model m"),
        ("nope/diff?from=1&to=2", 404, "Could not find any versions of model nope"),
        ("m/diff?from=1", 400, "to: expected a positive whole number, got none"),
        ("m/diff?from=one&to=2", 400, "from: expected a positive whole number, got 'one'"),
        ("m/diff?from=1&to=2&of=3", 400, "the query: expected from, to, got 'of'"),
        ("m/diff?from=1&to=2&to=3", 400, "to stands there twice"),
    ],
)
def test_what_is_not_there_or_not_understood(
    client: FlaskClient, path: str, status: int, says: str
) -> None:
    answer = client.ask("GET", f"/v1/models/{path}")
    assert answer.status == status
    assert says in answer.json["error"]
