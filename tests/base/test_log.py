"""What stands in a log line."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from service.base.log import caller, configure_logging, request_id, trace_id

logger = logging.getLogger("test.log")


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give the root logger back as it was: pytest's own handlers hang there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for variable in (request_id, caller, trace_id):
        variable.set("")  # other tests may have left theirs
    yield
    root.handlers[:], root.level = handlers, level


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""  # standard output belongs to the command line
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_one_json_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")

    logger.info("version ready", extra={"model": "digits", "version": 2})

    (line,) = _lines(capsys)
    assert line["event"] == "version ready"
    assert line["level"].upper() == "INFO"
    assert line["logger"] == "test.log"
    assert (line["model"], line["version"]) == ("digits", 2)
    assert "request_id" not in line


def test_a_line_carries_the_id_of_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    token = request_id.set("abc-1")
    try:
        logger.info("inside")
    finally:
        request_id.reset(token)
    logger.info("outside")

    inside, outside = _lines(capsys)
    assert inside["request_id"] == "abc-1"
    assert "request_id" not in outside


def test_a_line_tells_who_asks_and_in_which_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    caller.set("deploy-bot")
    trace_id.set("4bf92f3577b34da6a3ce929d0e0e4736")

    logger.info("version promoted", extra={"model": "digits"})

    (line,) = _lines(capsys)
    assert line["caller"] == "deploy-bot"
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_what_a_stranger_sends_can_not_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")

    logger.info("refused", extra={"path": 'a\n{"event": "all is well"}\x1b[2J'})

    (line,) = _lines(capsys)
    assert line["event"] == "refused"


def test_a_traceback_stays_within_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")

    try:
        raise ValueError("a wrong turn")
    except ValueError:
        logger.exception("loop failed")

    (line,) = _lines(capsys)
    assert "ValueError: a wrong turn" in line["exception"]


@pytest.mark.parametrize("value", [1 << 70, "name-\udc81.h5", {1, 2}, object()])
def test_a_field_that_json_has_no_word_for_loses_no_line(
    capsys: pytest.CaptureFixture[str], value: object
) -> None:
    configure_logging("INFO", "json")

    logger.warning("strange value", extra={"value": value})

    (line,) = _lines(capsys)
    assert line["event"] == "strange value"
    assert "value" in line


def test_the_level_holds_back_what_is_less_severe(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("WARNING", "json")

    logger.info("a detail")
    logger.warning("look here")

    assert [line["event"] for line in _lines(capsys)] == ["look here"]


def test_text_for_people_is_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "text")

    logger.info("version ready", extra={"model": "digits"})

    written = capsys.readouterr().err
    assert "version ready" in written
    assert "model=digits" in written
    assert not written.startswith("{")


def test_text_for_people_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "text")

    logger.info("refused", extra={"path": "a\nFATAL forged\x1b[2J"})

    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert "\x1b" not in written
