"""Texts of a file can't disturb the message that repeats them."""

import pytest

from service.data.wording import column_text, file_text, listing, quoted


def test_a_text_is_quoted_and_short() -> None:
    assert quoted("ä b") == "'ä b'"
    assert quoted("x" * 1000) == f"'{'x' * 40}…'"
    assert quoted("a\n\x1b\u202eb") == r"'a\n\x1b\u202eb'"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(1)", "\t=1", " =1"])
def test_a_formula_is_described(text: str) -> None:
    assert quoted(text).startswith("a text that begins with")
    assert text not in quoted(text)
    assert file_text(text) == quoted(text)


def test_a_file_keeps_its_name() -> None:
    assert file_text("rows of May.csv") == "rows of May.csv"
    assert file_text("a\nb") == r"'a\nb'"


def test_columns_are_counted_from_1() -> None:
    assert column_text(0, "a") == "column 1 ('a')"


def test_a_long_list_is_cut() -> None:
    assert listing(("a", "b")) == "'a', 'b'"
    assert listing(tuple("abcdefghij")).endswith("'h' and 2 more")
