"""The frame of a child's task: limits first, and one whole result whatever happens."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from service.base.confinement import Limits
from service.base.settings import bare_environment
from service.base.task import NO_ROOM

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, tempfile
from pathlib import Path
from service.base.errors import NotFound
from service.base.http_errors import BodyTooLarge
from service.base.task import report, run_task

def perform(task, folder):
    report("begun")
    {body}

run_task(Path(sys.argv[1]), perform, BodyTooLarge)
"""


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    limits = Limits(address_space=512 * 1024**2, cpu_s=60, file_size=1024**2)
    task = {"limits": asdict(limits), "parent": os.getpid(), "word": "hello"}
    (folder / "task.json").write_text(json.dumps(task))
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body), str(folder)],
        env={**bare_environment(folder), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


def result(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
    return record


def test_what_was_done_is_the_result(tmp_path: Path) -> None:
    ran = run(tmp_path, "return {'word': task['word'], 'tmp': tempfile.gettempdir()}")

    assert (ran.returncode, ran.stdout) == (0, "begun\n")
    assert result(tmp_path) == {"ok": True, "word": "hello", "tmp": str(tmp_path / "tmp")}


def test_an_error_of_ours_is_a_result(tmp_path: Path) -> None:
    run(tmp_path, "raise NotFound('/x')")

    assert result(tmp_path) == {"ok": False, "code": "not_found", "message": "Not found: /x"}


def test_the_end_of_memory_is_a_result_that_names_the_limit(tmp_path: Path) -> None:
    run(tmp_path, "bytearray(1024**3)")

    assert result(tmp_path)["code"] == "body_too_large"
    assert "larger than 512 bytes" in result(tmp_path)["message"]


def test_any_other_error_leaves_no_result(tmp_path: Path) -> None:
    ran = run(tmp_path, "raise ValueError('unforeseen')")

    assert ran.returncode == 1
    assert "unforeseen" in ran.stderr
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT"])
def test_a_full_disk_is_told_by_the_exit_code(tmp_path: Path, code: str) -> None:
    """It can't be told in any other way: nothing can be written."""
    ran = run(tmp_path, f"import errno; raise OSError(errno.{code}, 'full')")

    assert ran.returncode == NO_ROOM
    assert not (tmp_path / "result.json").exists()
