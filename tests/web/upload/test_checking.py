"""Where uploaded files are looked at: what a worker that was killed has left there goes."""

import subprocess
import sys
from pathlib import Path

from service.web.upload.checking import _scratch

HOLD = """
import sys
from pathlib import Path
from service.web.upload.checking import _scratch
with _scratch(Path(sys.argv[1])) as folder:
    (folder / "child-x").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_worker_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "uploads")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        with _scratch(tmp_path / "uploads") as ours:
            assert left.is_dir()
            assert ours != left
        other.kill()
        other.wait()
    assert (left / "child-x").is_dir()
    with _scratch(tmp_path / "uploads") as ours:
        assert list((tmp_path / "uploads").iterdir()) == [ours]
    assert list((tmp_path / "uploads").iterdir()) == []
