"""What the OpenAPI document promises is kept, whatever is sent."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import BIN
from tests.running import RunningService

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CONFIG = Path(__file__).parent / "schemathesis.toml"
CASES = 10_000


def test_ten_thousand_requests_are_answered_as_the_document_says(
    service: RunningService, tmp_path: Path
) -> None:
    workers, report = service.workers(), tmp_path / "report.json"
    command = [
        str(BIN / "schemathesis"), "--config-file", str(CONFIG),
        "run", f"{service.url}/openapi.json",
        "--no-color", "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800)

    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    told = json.loads(report.read_text())
    assert told["operations"]["tested"] == told["operations"]["total"]
    assert told["test_cases"]["generated"] >= CASES
    assert service.workers() == workers
