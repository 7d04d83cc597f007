"""A child process does one task and leaves one result, whatever the file does to it."""

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
from tests.loading.handmade import layer, sequential, tiny, write_whole

pytestmark = pytest.mark.slow

LIMITS = Limits(address_space=4 << 30, cpu_s=60, file_size=1 << 30)


def _run(folder: Path, path: Path, kind: str = "inspect") -> dict[str, Any]:
    task: dict[str, object] = {
        "kind": kind,
        "files": {path.name: str(path)},
        "limits": asdict(LIMITS),
    }
    task |= {"parent": os.getpid()}
    task |= {"digests": {}, "key": "key"}
    (folder / "task.json").write_text(json.dumps(task))
    subprocess.run(
        [sys.executable, "-P", "-m", "service.loading.child", str(folder)],
        env=bare_environment(folder),
        check=True,
    )
    result: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
    return result


def test_tells_what_a_file_is(tmp_path: Path) -> None:
    result = _run(tmp_path, write_whole(tmp_path / "m.h5"))

    assert result["ok"]
    assert result["inspection"]["parameters"] == 15


def test_tells_why_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(b"no model")

    result = _run(tmp_path, path)

    assert (result["ok"], result["code"]) == (False, "file_broken")
    assert result["message"].startswith("m.h5: neither HDF5")


def test_compiles_nothing_that_is_unsafe(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.h5", sequential(layer("Lambda", name="evil")))

    result = _run(tmp_path, path, kind="compile")

    assert (result["ok"], result["code"]) == (False, "file_unsafe")
    assert not (tmp_path / "compiled").exists()


@pytest.mark.parametrize(
    ("added", "code"),
    [
        (layer("Lambda", name="evil"), "file_unsafe"),
        (layer("Strange", name="strange"), "classes_missing"),
    ],
    ids=["unsafe", "unknown"],
)
def test_a_check_refuses_what_compiling_would_refuse_unopened(
    tmp_path: Path, added: dict[str, Any], code: str
) -> None:
    config = sequential(*tiny()["config"]["layers"], added)

    result = _run(tmp_path, write_whole(tmp_path / "m.h5", config), kind="check")

    assert (result["ok"], result["code"]) == (False, code)


def test_a_check_tells_what_a_good_file_is(tmp_path: Path) -> None:
    result = _run(tmp_path, write_whole(tmp_path / "m.h5"), kind="check")

    assert (result["ok"], result["inspection"]["format"]) == (True, "h5")


def test_leaves_no_half_written_result(tmp_path: Path) -> None:
    _run(tmp_path, write_whole(tmp_path / "m.h5"))

    assert not list(tmp_path.glob("*.part"))
