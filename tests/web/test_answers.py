"""Errors as answers: always JSON, and only our own texts."""

import orjson
import pytest

from service.base.errors import ModelNotFound, ModelNotReady
from service.base.log import request_id
from service.web.answers import RequestIds, error_body, explain


@pytest.mark.parametrize("text", ["plain", "grün", 'with "quotes"\n', "half a pair \ud800"])
def test_any_text_makes_a_body(text: str) -> None:
    told = orjson.loads(error_body(text))["error"]
    assert told == text.encode(errors="backslashreplace").decode()


def test_an_error_of_ours_shows_its_text_and_when_to_come_back() -> None:
    assert explain(ModelNotReady("m", "loading"))[2] == {"Retry-After": "1"}
    status, text, headers = explain(ModelNotFound("m"))
    assert (status, headers) == (404, {})
    assert text == "Servable not found for request: Latest(m)"


def test_memory_that_ends_is_no_fault_of_ours() -> None:
    assert explain(MemoryError())[0] == 503


def test_any_other_error_shows_an_id_alone() -> None:
    request_id.set("q-1")
    assert explain(RuntimeError("/secret")) == (500, "internal error (request id q-1)", {})


def test_only_a_decent_id_of_the_client_is_taken() -> None:
    ids = RequestIds()
    assert ids.take("q-1") == "q-1"
    made = {ids.take(given) for given in ("", "ü", "a\nb", "x" * 129)}
    assert len(made) == 4
    assert all(identifier.replace("-", "").isalnum() for identifier in made)
