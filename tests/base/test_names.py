"""Names of models and numbers of versions: what is taken and what is not."""

import pytest

from service.base.names import is_model_name, parse_version


@pytest.mark.parametrize("name", ["digits", "a", "_x", "Model-2.1", "0", "a" * 128])
def test_takes_a_plain_name(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".hidden", "-flag", "..", "a/b", "a b", "a\n", "ä", "a:predict", "a" * 129, "a\x00"],
)
def test_refuses_what_would_not_be_safe_in_a_path(name: str) -> None:
    assert not is_model_name(name)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("42", 42), ("9999999999", 9999999999)])
def test_reads_a_version(text: str, number: int) -> None:
    assert parse_version(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "01", "-1", "+1", "1.0", "v1", " 1", "1\n", "١", "10000000000"]
)
def test_refuses_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None
