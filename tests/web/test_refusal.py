"""Refusals of the edge have the headers of every other answer."""

import pytest

from service.web.cors import answer_headers
from service.web.security_headers import EVERYWHERE
from tests.web.edge_server import post, serving, status

ORIGIN = b"access-control-allow-origin: *\r\n"
TOO_LONG = b"POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Length: 200001\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "code", "request_id"),
    [
        (b"\x00\x01garbage\r\n\r\n", 400, b""),
        (b"POST / HTTP/1.1\r\nX-Request-Id: mine\r\n\r\n", 400, b"mine"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nX-A: ", 408, b"mine"),
        (post("/", b"hello", b"X-Request-Id: mine")[:-1], 408, b"mine"),
        (TOO_LONG, 413, b"mine"),
        (TOO_LONG.replace(b"mine", b"m\xff"), 413, b""),
    ],
    ids=["garbage", "no-host", "half-a-head", "half-a-body", "too-long", "odd-id"],
)
def test_a_refusal_has_an_id_and_may_be_read_by_pages(
    request_: bytes, code: int, request_id: bytes
) -> None:
    with serving(headers=lambda: (*EVERYWHERE, *answer_headers())) as server:
        answers = [server.ask(request_) for _ in range(2)]
    ids = [answer.split(b"x-request-id: ")[1].split(b"\r\n")[0] for answer in answers]
    assert [status(answer) for answer in answers] == [code, code]
    for answer in answers:
        assert ORIGIN in answer
        assert b"x-content-type-options: nosniff\r\n" in answer
    assert ids == [request_id] * 2 if request_id else len(set(ids)) == 2


def test_no_page_may_read_it_where_that_is_not_wanted() -> None:
    with serving(headers=lambda: EVERYWHERE) as server:
        assert b"access-control" not in server.ask(b"\x00\r\n\r\n")
