"""Files that change under a running service are noticed."""

import logging
from pathlib import Path

import pytest

from service.web.installed import Installed


def test_a_replaced_file_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "room" / "module.py"
    file.parent.mkdir()
    file.write_text("A = 1\n")
    installed = Installed(tmp_path)
    assert installed.check()
    file.write_text("A = 22\n")
    with caplog.at_level(logging.ERROR):
        assert not installed.check()
    assert "files have changed under the running service" in caplog.text


def test_a_removed_and_an_added_one_too(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("")
    for change in ((tmp_path / "module.py").unlink, (tmp_path / "other.py").touch):
        installed = Installed(tmp_path)
        change()
        assert not installed.check()
