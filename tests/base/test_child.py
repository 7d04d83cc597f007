"""What a child process is started with."""

import time
from pathlib import Path

import pytest

from service.base.child import Child, Outcome
from service.base.confinement import Limits

PROGRAM = """
import json, os, sys
from pathlib import Path
threads = [os.environ[f"TF_NUM_{of}OP_THREADS"] for of in ("INTRA", "INTER")]
Path(sys.argv[1], "result.json").write_text(json.dumps({"ok": True, "threads": threads}))
"""


@pytest.mark.parametrize(("count", "threads"), [(128, "4"), (2, "2")])
def test_a_child_has_few_threads_of_tensorflow_however_many_processors_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, threads: str
) -> None:
    (tmp_path / "telling.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("service.base.child.processors", lambda: count)
    child = Child({}, Limits(1, 1, 1), 60, tmp_path, time.monotonic(), "telling")

    assert ended(child).result == {"ok": True, "threads": [threads, threads]}


def ended(child: Child) -> Outcome:
    while (outcome := child.poll(time.monotonic())) is None:
        time.sleep(0.01)
    child.clean()
    return outcome
