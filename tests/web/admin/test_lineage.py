"""Where a version comes from stands in its model's status and beside another version, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.repository.manifest import Provenance, write_manifest
from service.web.process import WebProcess
from tests.web.admin.versions import worker
from tests.web.client import FlaskClient

TRAINING: dict[str, Any] = {
    "job": "20261126-141530123-9f8e3a1c",
    "description": "more rows",
    "data": {"sha256": "d" * 64, "rows": 569, "counts": {}},
    "epochs": {"epochs_run": 2, "best_epoch": 1, "learning_rates": [0.1, 0.1]},
    "scores": [
        {"version": "candidate", "dataset": "test", "rows": 80, "metrics": {"accuracy": 0.9},
         "confusion": [[40, 0], [8, 32]]},
    ],
}  # fmt: skip


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with worker(tmp_path) as process:
        for version in (1, 2):
            (home_of(process, version)).mkdir(parents=True)
            (home_of(process, version) / "model.h5").write_bytes(b"x" * version)
        yield process


def home_of(process: WebProcess, version: int) -> Path:
    return process.settings.repository / "m" / str(version)


def lineages(process: WebProcess) -> list[Any]:
    answer = FlaskClient(process).ask("GET", "/v1/models/m")
    assert answer.status == 200
    return [version.get("lineage") for version in answer.json["versions"]][:2]


def test_a_trained_version_tells_how(process: WebProcess) -> None:
    about = Provenance("job x", "2026-11-26T14:20:00", "better", 1, "ab", "x", TRAINING)
    write_manifest(home_of(process, 2), {"model.h5": "ab" * 32}, about)

    first, second = lineages(process)

    assert first is None
    assert second == {
        "parent": 1, "at": "2026-11-26T14:20:00", "by": "job x", "why": "better", "sha256": "ab",
        "training": {
            "job": TRAINING["job"], "description": "more rows", "data_sha256": "d" * 64,
            "rows": 569, "epochs_run": 2, "best_epoch": 1,
            "scores": [
                {"version": "candidate", "dataset": "test", "rows": 80,
                 "metrics": {"accuracy": 0.9}},
            ],
        },
    }  # fmt: skip
    told = FlaskClient(process).ask("GET", "/v1/models/m/diff?from=1&to=2").json["to"]
    assert told["lineage"]["training"] == TRAINING


def test_an_uploaded_one_tells_by_whom(process: WebProcess) -> None:
    write_manifest(home_of(process, 1), {"model.h5": "ab" * 32}, Provenance(uploaded_by="ann"))
    found = lineages(process)[0]
    assert (found["by"], found["training"]) == ("ann", None)


@pytest.mark.parametrize(
    "training",
    [{"data": 3, "epochs": [], "scores": "none"}, {"scores": [1]}, []],
    ids=["of other kinds", "scores of other kinds", "a list"],
)
def test_what_others_wrote_there_does_no_harm(process: WebProcess, training: Any) -> None:
    record = {"files": {}, "uploaded_by": "ann", "training": training}
    (home_of(process, 1) / "manifest.json").write_bytes(orjson.dumps(record))
    assert lineages(process)[0]["by"] == "ann"


def test_a_broken_manifest_tells_nothing(process: WebProcess) -> None:
    (home_of(process, 1) / "manifest.json").write_text("{")
    assert lineages(process)[0] is None
