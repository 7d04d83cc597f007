"""Folders that belong to a process: held, owned, and swept when their owner is dead."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.base.http_errors import Conflict
from service.base.owned_folder import OwnedFolder, hold_folder, scratch_folder, sweep

OWN = (
    "import sys, time; from pathlib import Path; "
    "from service.base.owned_folder import OwnedFolder; "
    "folder = OwnedFolder(Path(sys.argv[1]), 'own-'); (folder.path / 'file').write_text('x'); "
    "print('made', flush=True); time.sleep(60)"
)
SCRATCH = """
import sys
from pathlib import Path
from service.base.owned_folder import scratch_folder
with scratch_folder(Path(sys.argv[1]), "check-") as folder:
    (folder / "child-x").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_one_at_a_time_holds_a_folder(tmp_path: Path) -> None:
    with (
        hold_folder(tmp_path),
        pytest.raises(Conflict, match="somebody else works"),
        hold_folder(tmp_path, patience_s=0.05),
    ):
        pass
    with hold_folder(tmp_path, patience_s=0.05):
        pass


def test_a_folder_is_swept_only_when_its_owner_is_dead(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWN, str(tmp_path)], stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"made\n"
        assert sweep(tmp_path, ("own-",)) == []
        owner.send_signal(signal.SIGKILL)
    assert len(sweep(tmp_path, ("own-",))) == 1
    assert list(tmp_path.iterdir()) == []


def test_one_in_this_process_is_not_swept_either_until_it_is_let_go(tmp_path: Path) -> None:
    owned = OwnedFolder(tmp_path, "own-")
    assert sweep(tmp_path, ("own-",)) == []
    owned.remove()
    owned.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_was_changed_lately_may_be_asked_to_stay(tmp_path: Path) -> None:
    left = tmp_path / "own-left"
    left.mkdir()
    assert sweep(tmp_path, ("own-",), unchanged_s=3600) == []
    os.utime(left, (0, 0))
    assert sweep(tmp_path, ("own-",), unchanged_s=3600) == ["own-left"]


def test_links_and_other_names_are_not_swept(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "own-link").symlink_to(tmp_path / "other")
    (tmp_path / "own-file").write_text("")
    assert sweep(tmp_path, ("own-",)) == []


def test_scratch_of_who_was_killed_goes_and_of_who_lives_stays(tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    command = [sys.executable, "-c", SCRATCH, str(root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        with scratch_folder(root, "check-") as ours:
            assert left.is_dir()
            assert ours != left
        other.kill()
        other.wait()
    assert (left / "child-x").is_dir()
    with scratch_folder(root, "check-") as ours:
        assert list(root.iterdir()) == [ours]
    assert list(root.iterdir()) == []
