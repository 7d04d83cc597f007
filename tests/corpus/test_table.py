"""The table tells what is served, what is refused, and what is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.base.compiled import Compiled, Runtime
from service.base.signature import Signature
from tests.corpus.manifest import read_manifest
from tests.corpus.table import BEGIN, END, Row, table, totals, write_table

MODEL = read_manifest().models[0]
WEIGHTS_ONLY = replace(MODEL, refused_with="weights only")


def _compiled(runtime: Runtime) -> Compiled:
    return Compiled("key", runtime, Signature((), ()), {}, "h5", "2.0", 1, 0.0, (), 7.0)


SERVED = Row(MODEL, difference=1e-6, compiled=_compiled("onnx"))
ON_TENSORFLOW = Row(MODEL, difference=2e-6, compiled=_compiled("tensorflow"))
WRONG = Row(MODEL, difference=0.1, compiled=_compiled("onnx"))
FAILED = Row(MODEL, reason="it needs | classes")
REFUSED = Row(WEIGHTS_ONLY, reason="holds weights only")


def test_only_right_answers_count() -> None:
    text = totals([SERVED, ON_TENSORFLOW, WRONG, FAILED, REFUSED])

    assert text.startswith("2 of 4 served, 1 of them by ONNX Runtime; largest difference 2.0e-06.")
    assert "1 hold weights without an architecture" in text


@pytest.mark.parametrize(
    ("row", "is_expected"),
    [(SERVED, True), (WRONG, False), (FAILED, False), (REFUSED, True)],
)
def test_a_refusal_is_expected_only_where_it_is_due(row: Row, is_expected: bool) -> None:
    assert row.is_as_expected is is_expected


def test_weights_without_an_architecture_must_not_be_served() -> None:
    assert not replace(SERVED, model=WEIGHTS_ONLY).is_as_expected


def test_every_line_has_a_cell_for_each_column() -> None:
    lines = table([SERVED, WRONG, FAILED, REFUSED]).splitlines()[2:]

    assert {line.replace("\\|", "").count("|") for line in lines} == {10}
    assert "refused: it needs" in lines[4]
    assert "WRONG: other numbers" in lines[3]


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_table(page, "new")

    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="corpus:begin"):
        write_table(page, "new")
