"""The key or token that a request brings, from the two headers where it may stand."""

from collections.abc import Iterable

from service.web.exchange import Headers

BEARER = b"bearer "
AUTHORIZATION, API_KEY = b"authorization", b"x-api-key"


def given_secret(headers: Headers) -> bytes:
    """What follows `Authorization: Bearer`, or else X-API-Key; empty if there is neither.

    Two that differ are none: whoever sent them, it isn't clear as whom.
    """
    given = headers.get(AUTHORIZATION, b"")
    key = headers.get(API_KEY, b"").strip()
    if given[:7].lower() == BEARER:
        token = given[7:].strip()
        return token if not key or key == token else b""
    return key


def one_by_name(listed: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name. Where secrets stand twice they are joined, as WSGI joins them: no secret."""
    pairs = list(listed)
    headers = dict(pairs)
    if len(headers) != len(pairs):
        for name in (AUTHORIZATION, API_KEY):
            values = [value for given, value in pairs if given == name]
            if len(values) > 1:
                headers[name] = b",".join(values)
    return headers
