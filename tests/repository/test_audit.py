"""Which reasons the audit takes."""

import pytest

from service.base.errors import RequestInvalid
from service.repository.audit import MAX_WHY, check_why


@pytest.mark.parametrize(
    "text",
    [
        "",
        "better on last week's data",
        "größer",
        "新しい\u3000モデル",
        "👩\u200d🔬 said so",
        "x" * MAX_WHY,
    ],
    ids=["none", "ascii", "latin", "ideographic space", "joined", "longest"],
)
def test_one_line_in_any_script_is_taken_as_it_is(text: str) -> None:
    assert check_why(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\x00b", r"got '\\x00' at 1"),
        ("two\nlines", r"got '\\n' at 3"),
        ("\x1b[31m", r"got '\\x1b' at 0"),
        ("a\x85", r"got '\\x85' at 1"),
        ("a\u2028b", r"got '\\u2028' at 1"),
        ("\ud800", r"got '\\ud800' at 0"),
        ("x" * (MAX_WHY + 1), "at most 1000 characters, got 1001"),
    ],
    ids=["nul", "newline", "escape", "next line", "separator", "half", "long"],
)
def test_what_a_database_or_a_terminal_takes_otherwise_is_refused(text: str, words: str) -> None:
    with pytest.raises(RequestInvalid, match=f"why: expected .*{words}"):
        check_why(text)
