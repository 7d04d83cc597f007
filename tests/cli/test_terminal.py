"""Tables of texts from outside: nothing of them is cut, and nothing in them is obeyed."""

import re

import pytest

from service.cli.terminal import print_table

HEAD = ("job", "kind", "model", "state", "progress", "by", "error")
ROW = (
    "20261126-160812345-4f0c91d2ab37", "batch-predict", "breast-cancer", "RUNNING",
    "12/40 files, 120000 rows", "nightly-retrains-of-ann", "no space is left in /var/lib/kerasd",
)  # fmt: skip


def test_a_row_is_one_line_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HEAD, [ROW, (*ROW[:-1], "x" * 5000)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(cell in lines[2] for cell in ROW)
    assert "x" * 5000 in lines[3]


def test_a_terminal_of_80_columns_folds_what_is_too_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    print_table([""] * len(ROW), [ROW])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, shown.splitlines())) <= 80
    assert sorted("".join(ROW).replace(" ", "")) == sorted(c for c in shown if c not in " ─\n")


def test_markup_is_shown_and_control_characters_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["[red]"], [["[bold]a\x1b[2J\nb"]])
    shown = capsys.readouterr().out
    assert "[red]" in shown
    assert "[bold]a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b" in shown
