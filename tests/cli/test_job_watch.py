"""Watching jobs from the command line: it outlives the service, and a wrong address is told."""

from pathlib import Path

import pytest

from tests.cli.command import kerasd
from tests.scripted import JOB, Line, job_record, scripted

AWAY = [Line(drop=True), Line(502, b"<html>")]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short."""
    for module in ("client_jobs", "client_patience", "cli.batch_shards"):
        monkeypatch.setattr(f"service.{module}.PAUSE_S", 0.01)


def test_a_job_is_watched_beyond_a_restart_of_the_service() -> None:
    ended = Line(body=job_record("SUCCEEDED"))
    lines = [Line(body=job_record("QUEUED")), *AWAY, Line(204), ended, *AWAY, ended]
    with scripted(*lines) as server:
        ran = kerasd("jobs", "watch", JOB, "--url", server.url)
    assert (ran.returncode, ran.stdout) == (0, "SUCCEEDED\n"), ran.stderr


def test_who_watches_at_a_wrong_address_is_told_at_once() -> None:
    with scripted(Line(502, b"<html>"), Line(404, {"error": "no"})) as server:
        ran = kerasd("jobs", "watch", JOB, "--url", server.url)
    assert ran.returncode == 1
    assert "answered 502" in ran.stderr


def test_shards_are_watched_beyond_a_restart_of_the_service(tmp_path: Path) -> None:
    done = {"rows": 10, "errors": 0, "files": 1, "complete": True}
    lines = [
        Line(202, job_record("QUEUED")), Line(202, job_record("QUEUED")),
        Line(body=job_record("RUNNING")), *AWAY, Line(body=job_record("RUNNING")),
        *AWAY, Line(body=job_record("SUCCEEDED", result=done)),
    ]  # fmt: skip
    with scripted(*lines) as server:
        ran = kerasd(
            "batch-predict", "m", "in", "out", "--shards", "2", "--version", "1",
            "--url", server.url, KERASD_DATA_DIR=str(tmp_path),
        )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "20 rows in 2 files by version 1\n"), ran.stderr
