"""What requests for changes may carry, and how what they may not is named."""

import re
from typing import Any

import orjson
import pytest
from flask import Flask

from service.base.errors import JsonInvalid, RequestInvalid
from service.web.admin.bodies import (
    MAX_BYTES,
    LabelBody,
    RetireBody,
    Strict,
    SwapBody,
    TrafficBody,
    WhyBody,
    read_body,
)


def read(kind: type[Strict], content: Any) -> Strict:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    with Flask("test").test_request_context(method="POST", data=body):
        return read_body(kind)


@pytest.mark.parametrize("content", [b"", b" \n", {}])
def test_nothing_need_be_said(content: Any) -> None:
    assert read(WhyBody, content) == WhyBody()
    assert read(SwapBody, content) == SwapBody()
    assert read(TrafficBody, content) == TrafficBody()


def test_all_may_be_said() -> None:
    swap = read(SwapBody, {"expected_current": 3, "why": "better"})
    assert swap == SwapBody(expected_current=3, why="better")
    traffic = {"canary": {"label": "c", "percent": 10, "header": "X-User"}, "shadow": None}
    told = read(TrafficBody, traffic)
    assert isinstance(told, TrafficBody)
    assert told.canary is not None
    assert (told.canary.percent, told.shadow) == (10.0, None)
    assert read(RetireBody, {"keep": 2, "days": 0.5, "delete": True, "dry_run": False})


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        (WhyBody, {"whi": "x"}, "whi: Extra inputs are not permitted"),
        (WhyBody, {"why": 3}, "why: Input should be a valid string, got 3"),
        (WhyBody, {"why": "x" * 1001}, "at most 1000 characters"),
        (WhyBody, b'{"why": "a\\u0000"}', "without control characters, got '\\x00' at 1"),
        (WhyBody, [], "expected a JSON object, got list"),
        (WhyBody, b"{", "JSON Parse error"),
        (WhyBody, b'{"why": "a", "why": "b"}', "stands twice"),
        (WhyBody, b'{"why": "\\ud800"}', "surrogates"),
        (WhyBody, b" " * (MAX_BYTES + 1), "expected at most 65536 bytes"),
        (WhyBody, b"[" * 2000, "more than 1000 lists and objects"),
        (SwapBody, {"expected_current": "1"}, "expected_current: Input should be a valid integer"),
        (SwapBody, {"expected_current": True}, "expected_current: Input should be a valid integer"),
        (SwapBody, {"expected_current": 0}, "greater than or equal to 1"),
        (LabelBody, {}, "version: Field required"),
        (LabelBody, {"version": 1.0}, "version: Input should be a valid integer"),
        (TrafficBody, {"canary": {"label": "c", "percent": 0}}, "canary.percent: "),
        (TrafficBody, {"canary": {"label": "c", "percent": 101}}, "canary.percent: "),
        (TrafficBody, b'{"canary": {"label": "c", "percent": NaN}}', "NaN is no JSON number"),
        (TrafficBody, {"canary": {"label": "1", "percent": 5}}, "canary.label: "),
        (TrafficBody, {"canary": {"label": "c", "percent": 5, "header": "a b"}}, "canary.header: "),
        (TrafficBody, {"shadow": ""}, "shadow: "),
        (RetireBody, {}, "keep: Field required"),
        (RetireBody, {"keep": 0}, "keep: "),
        (RetireBody, {"keep": 1, "days": -1}, "days: "),
        (RetireBody, {"keep": 1, "delete": "yes"}, "delete: Input should be a valid boolean"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(kind: type[Strict], content: Any, says: str) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(says)) as refused:
        read(kind, content)
    assert len(str(refused.value)) < 500


def test_broken_json_is_told_from_wrong_json() -> None:
    with pytest.raises(JsonInvalid):
        read(WhyBody, b"{")
