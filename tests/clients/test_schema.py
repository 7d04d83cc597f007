"""What the OpenAPI document promises is kept, whatever is sent."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import BIN
from tests.running import RunningService

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CONFIG = Path(__file__).parent / "schemathesis.toml"


# One run a tag: what schemathesis keeps in mind of operations makes a longer run slower.
@pytest.mark.parametrize(
    ("tag", "at_least"),
    [
        ("Protocol v1", 6200),
        ("Protocol v2", 3800),
        ("Operators", 100),
        ("Jobs", 3000),
        ("Service", 10),
    ],
)
def test_ten_thousand_requests_are_answered_as_the_document_says(
    service: RunningService, tmp_path: Path, tag: str, at_least: int
) -> None:
    workers, report = service.workers(), tmp_path / "report.json"
    command = [
        str(BIN / "schemathesis"), "--config-file", str(CONFIG),
        "run", f"{service.url}/openapi.json", "--include-tag", tag,
        "--no-color", "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800)

    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    told = json.loads(report.read_text())
    assert told["operations"]["tested"] == told["operations"]["selected"]
    assert told["test_cases"]["generated"] >= at_least
    assert service.workers() == workers
