"""`docs/batch-predictions.md`, done in its order with a sample model in a folder of its own."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests

from tests.conftest import ROOT
from tests.documented import blocks_of, run
from tests.running import RunningService, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def service(sample_repository: Path, tmp_path: Path) -> Iterator[RunningService]:
    """What `make serve` starts, with a data folder."""
    repository = tmp_path / "model_repo"
    shutil.copytree(sample_repository / "breast-cancer", repository / "breast-cancer")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "data").mkdir()
    told = {"data_dir": str(tmp_path / "data"), "jobs_at_once": "4"}
    with running(repository, tmp_path / "state", **told) as started:
        started.wait_ready()
        yield started


def test_every_command_does_what_the_page_says(service: RunningService, tmp_path: Path) -> None:
    told = {"KERASD_REPOSITORY": str(tmp_path / "model_repo"), "KERASD_DATA_DIR": "data"}
    for line in blocks_of("batch-predictions.md").splitlines():
        run(service, tmp_path, line, 300, settings=told)
    data = tmp_path / "data"
    with (data / "predicted" / "monday.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["patient"] for row in rows] == [f"P{number:03}" for number in range(500)]
    labels = [row["label"] for row in rows]
    told = service.predict("breast-cancer", {"instances": numbers(rows[:60])}).json()
    assert [one["label"] for one in told["decisions"]] == labels[:60]
    table = pq.read_table(data / "monday.parquet")
    assert table.column_names == ["patient", "scores", "class_index", "label", "version"]
    assert table["label"].to_pylist() == labels
    lines = (data / "gap.ndjson").read_text().splitlines()
    assert json.loads(lines[-1])["error"].startswith("line 502, column 2 ('f0'): is empty")

    def are_over() -> bool:
        jobs = requests.get(f"{service.url}/v1/jobs", timeout=10).json()["jobs"]
        return [job["state"] for job in jobs] == ["SUCCEEDED"] * 5

    wait_until(are_over, "four shards and one job over HTTP", 120)
    assert len((data / "over-http" / "tuesday.csv").read_text().splitlines()) == 501


def numbers(rows: list[dict[str, str]]) -> list[list[float]]:
    return [[float(row[f"f{n}"]) for n in range(30)] for row in rows]
