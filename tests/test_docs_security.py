"""Each promise of the security page names the code that keeps it and the tests that prove it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
HEAD = "| threat | promise | kept by | proved by |"
FOLDERS = "service|tests|docs|docker|deploy|release|decisions|benchmarks|Dockerfile"
NAMED = re.compile(rf"`((?:{FOLDERS})(?:/[\w./{{}}-]+)?)(?:::([\w:]+))?`")
COVERED = (
    "model files", "saved models", "predictions", "connections", "web pages", "callers",
    "uploads", "data files", "jobs", "outgoing requests", "receipts", "metrics and logs",
    "supply chain", "containers", "remote repositories",
)  # fmt: skip


def rows() -> Iterator[list[str]]:
    """The cells of each row of the tables of promises."""
    is_inside = False
    for line in PAGE.splitlines():
        if line == HEAD:
            is_inside = True
        elif not line.startswith("|"):
            is_inside = False
        elif is_inside and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@cache
def proofs(path: Path) -> frozenset[str]:
    """The tests of a file: functions, and methods behind their class."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{name}" for name in map(_name_of, node.body) if name}
        else:
            found.add(_name_of(node))
    return frozenset(found - {""})


def _name_of(node: ast.AST) -> str:
    """That of a test; empty for everything else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
        return node.name
    return ""


def test_every_promise_is_kept_somewhere_and_proved_by_a_test() -> None:
    found = list(rows())
    assert len(found) > 60
    for row in found:
        assert len(row) == 4, row
        _, promise, kept, proved = row
        assert promise
        assert NAMED.search(kept), f"no file keeps: {promise}"
        assert [name for path, name in NAMED.findall(proved) if name], f"no test proves: {promise}"


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(PAGE)}))
def test_every_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "named", sorted({pair for pair in NAMED.findall(PAGE) if pair[1]}), ids="::".join
)
def test_every_test_that_is_named_is_there(named: tuple[str, str]) -> None:
    path, name = named
    assert name in proofs(ROOT / path)


def test_no_way_in_is_left_out() -> None:
    headings = [line.lstrip("# ").lower() for line in PAGE.splitlines() if line.startswith("###")]
    assert set(COVERED) <= set(headings)
