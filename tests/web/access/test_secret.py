"""Where a request's key may stand."""

import pytest

from service.web.access.secret import given_secret, one_by_name


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, b""),
        ({b"authorization": b"Bearer a"}, b"a"),
        ({b"authorization": b"bEARER   a "}, b"a"),
        ({b"x-api-key": b" a "}, b"a"),
        ({b"authorization": b"Basic b", b"x-api-key": b"a"}, b"a"),
        ({b"authorization": b"Bearer a", b"x-api-key": b"a"}, b"a"),
        ({b"authorization": b"Bearer a", b"x-api-key": b"b"}, b""),
        ({b"authorization": b"Bearer", b"x-api-key": b""}, b""),
        ({b"authorization": b"Bearera"}, b""),
        ({b"cookie": b"key=a"}, b""),
    ],
    ids=range(10),
)
def test_what_a_request_brings(headers: dict[bytes, bytes], secret: bytes) -> None:
    assert given_secret(headers) == secret


def test_a_secret_that_stands_twice_is_none() -> None:
    listed = [(b"a", b"1"), (b"authorization", b"Bearer x"), (b"authorization", b"Bearer y")]

    headers = one_by_name(listed)

    assert headers == {b"a": b"1", b"authorization": b"Bearer x,Bearer y"}
    assert given_secret(headers) == b"x,Bearer y"


def test_other_headers_that_stand_twice_are_the_last() -> None:
    assert one_by_name([(b"accept", b"a"), (b"accept", b"b")]) == {b"accept": b"b"}
