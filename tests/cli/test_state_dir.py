"""The state directory is nobody else's, whichever command is the first to make it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import kerasd


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty one to work in, as a newcomer's, on a machine where others may read what is new."""
    (tmp_path / "models" / "strange" / "4").mkdir(parents=True)
    (tmp_path / "models" / "strange" / "4" / "model.h5").write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield tmp_path
    os.umask(before)


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "models/strange/4/model.h5"),
        ("compile", "models/strange/4/model.h5"),
        ("convert", "models/strange/4/model.h5", "new.keras"),
        ("bake", "models"),
        ("migrate",),
        ("keys", "add", "ann", "--roles", "predict"),
        ("tensorboard",),
    ],
    ids=lambda command: command[0],
)
def test_whoever_comes_first_makes_it_for_its_owner_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(os, "execve", lambda *_: None)  # TensorBoard would take this process' place
    kerasd(*command)
    assert (folder / ".kerasd").stat().st_mode & 0o777 == 0o700
