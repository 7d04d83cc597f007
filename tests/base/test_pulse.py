"""Signs of life in a file: who writes them, who asks, and that neither cares for the clock."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.base.pulse import EVERY_S, Pulse, main, why_unwell
from tests.conftest import ROOT


def test_who_has_beaten_is_well_for_so_long(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    Pulse(file).beat(1000.0)
    assert why_unwell(file, 60.0, 1060.0) == ""
    assert why_unwell(file, 60.0, 1061.5) == "the last sign of life is 62 s old"


def test_who_has_not_is_not(tmp_path: Path) -> None:
    assert why_unwell(tmp_path / "pulse", 60.0, 1000.0).startswith("no sign of life yet")


def test_it_is_written_now_and_then_and_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    pulse = Pulse(file)
    for now in (1000.0, 1000.0 + EVERY_S / 2):
        pulse.beat(now)
        assert file.stat().st_mtime == 1000.0
    pulse.beat(1000.0 + EVERY_S)
    assert file.stat().st_mtime == 1000.0 + EVERY_S
    pulse.stop()
    assert not file.exists()
    pulse.beat(1001.0)
    assert file.stat().st_mtime == 1001.0


@pytest.mark.parametrize("left_at", [5000.0, 1_700_000_000.0], ids=["before a boot", "untouched"])
def test_what_another_machine_has_left_is_no_sign(tmp_path: Path, left_at: float) -> None:
    file = tmp_path / "pulse"
    file.touch()
    os.utime(file, (left_at, left_at))
    assert "before this machine has started" in why_unwell(file, 60.0, 1000.0)


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    Pulse(tmp_path / "gone" / "pulse").beat(1000.0)
    Pulse(tmp_path / "gone" / "pulse").stop()


def test_the_command_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pulse"
    assert main([str(file), "60"]) == 1
    assert capsys.readouterr().out.startswith("no sign of life yet")
    Pulse(file).beat(time.monotonic())
    assert main([str(file), "60"]) == 0
    assert capsys.readouterr().out == ""


def test_it_runs_with_python_alone() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules)\n"
        "import service.base.pulse\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    names = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(names) <= {*sys.stdlib_module_names, "service"}
