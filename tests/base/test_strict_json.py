"""JSON from outside: what is read, and what is refused before it can do harm."""

import json

import pytest

from service.base.strict_json import MAX_BYTES, parse_object


def _refusal(text: bytes | str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the callers look at the text)
        parse_object(text)
    return str(caught.value)


def test_reads_an_object_from_bytes_and_from_text() -> None:
    record = {"a": [1, 2.5, None, True, "ü"], "b": {}}

    assert parse_object(json.dumps(record)) == record
    assert parse_object(json.dumps(record).encode()) == record


def test_reads_a_file_that_windows_marked() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_reads_json_in_a_json_string() -> None:
    """`json.dump(model.to_json(), file)` is a common way to save an architecture."""
    assert parse_object(json.dumps(json.dumps({"a": 1}))) == {"a": 1}


def test_does_not_unwrap_for_ever() -> None:
    text = '{"a": 1}'
    for _ in range(6):
        text = json.dumps(text)

    assert "expected a JSON object, got str" in _refusal(text)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '{"a": 1} x', b'{"a": "\xff"}', "[1]", "7"])
def test_refuses_what_is_no_object(text: bytes | str) -> None:
    assert _refusal(text)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"x": [{"b": 1, "a": 1, "a": 1}]}'])
def test_refuses_a_key_that_stands_twice(text: str) -> None:
    """Two readers could take different ones of them for the truth."""
    assert "the key 'a' stands twice" in _refusal(text)


def test_finds_the_key_that_stands_twice_among_many() -> None:
    keys = [*range(50_000), 49_999]
    text = "{" + ",".join(f'"{key}":1' for key in keys) + "}"

    assert "'49999' stands twice" in _refusal(text)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_refuses_what_json_has_no_number_for(token: str) -> None:
    assert token in _refusal(f'{{"a": {token}}}')


@pytest.mark.parametrize("opening", ['{"a":', "[", '{"a":['])
def test_a_million_levels_do_no_harm(opening: str) -> None:
    text = ('{"a":' if opening == "[" else "") + opening * 1_000_000

    assert "the JSON " in _refusal(text)


def test_refuses_a_hundred_levels_but_not_fifty() -> None:
    assert parse_object('{"a":' * 50 + "1" + "}" * 50)
    assert "nested deeper than 100" in _refusal('{"a":' * 101 + "1" + "}" * 101)


def test_refuses_a_number_of_endless_digits() -> None:
    """Python takes quadratic time to read one."""
    assert parse_object('{"a": 18446744073709551615}') == {"a": 18446744073709551615}
    for digits in (21, 1_000_000):
        assert f"{digits} digits" in _refusal('{"a": ' + "9" * digits + "}")


def test_takes_many_digits_where_they_are_no_whole_number() -> None:
    digits = "1" * 30

    assert parse_object(f'{{"a": 0.{digits}, "{digits}": "{digits}"}}')["a"] == float(f"0.{digits}")
    assert parse_object('{"a": -18446744073709551615}') == {"a": -18446744073709551615}


def test_repeats_only_the_beginning_of_a_long_key() -> None:
    key = "k" * 10_000

    assert len(_refusal(f'{{"{key}": 1, "{key}": 2}}')) < 200


def test_refuses_what_is_too_long_to_look_at() -> None:
    assert "longer than" in _refusal(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    "text", [r'{"a": "\ud800"}', r'{"\udfff": 1}', r'{"a": [{"b": "\ud83d"}]}']
)
def test_refuses_half_a_character(text: str) -> None:
    """It could never be written to a report or a log."""
    assert "surrogates" in _refusal(text)


def test_takes_a_whole_character_in_two_halves() -> None:
    assert parse_object(r'{"a": "\ud83d\ude00"}') == {"a": "\N{GRINNING FACE}"}
