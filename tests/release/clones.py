"""Clones of the tree as it is here, committed or not, each with the same commit."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT

COMMITTED = "2026-11-20T12:00:00+0000"
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", COMMITTED))
}


def make_clone(folder: Path) -> Path:
    """A repository with one commit, whose files were written now."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = listed.rstrip("\0").split("\0")
    # What is deleted and not yet committed is listed as well.
    copy_files(ROOT, folder, [name for name in names if (ROOT / name).is_file()])
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        run("git", *command, where=folder)
    return folder


def copy_files(source: Path, target: Path, names: list[str]) -> None:
    """Copy files by their paths below `source`."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, target / name)


def run(*command: str | Path, where: Path = ROOT, **environment: str) -> str:
    """What a command that succeeds prints."""
    ran = subprocess.run(
        [str(word) for word in command],
        cwd=where, env={**os.environ, **WHO, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
