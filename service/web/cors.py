"""Cross-origin requests, so that web pages may ask for predictions, as TensorFlow Serving's."""

from flask import Request, Response

from service.base.errors import RequestInvalid
from service.web.answers import JSON

ORIGINS = ("http://", "https://")
KEYS = "Authorization, X-API-Key"


def answer_headers(is_open: bool = True) -> list[tuple[str, str]]:
    """What every answer carries, errors included; no cookies.

    Pages may send a key where one is needed.
    """
    return [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "POST, GET"),
        ("Access-Control-Allow-Headers", "Content-Type" if is_open else f"Content-Type, {KEYS}"),
    ]


def preflight(request: Request) -> Response:
    """The answer to OPTIONS, without the headers that every answer gets. Raises RequestInvalid."""
    check_origin(request.headers.get("Origin", ""))
    return Response(b"", content_type=JSON)


def check_origin(origin: str) -> None:
    """Refuse a preflight that doesn't say which page asks. Raises RequestInvalid."""
    if not origin.lower().startswith(ORIGINS):
        raise RequestInvalid("Origin header is missing in CORS preflight")
