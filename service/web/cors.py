"""Cross-origin requests, so that web pages may ask for predictions, as TensorFlow Serving's."""

from flask import Request, Response

from service.base.errors import RequestInvalid
from service.web.answers import JSON

ORIGINS = ("http://", "https://")


def answer_headers() -> list[tuple[str, str]]:
    """What every answer carries, errors included; no cookies and no credentials."""
    return [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "POST, GET"),
        ("Access-Control-Allow-Headers", "Content-Type"),
    ]


def preflight(request: Request) -> Response:
    """The answer to OPTIONS, without the headers that every answer gets. Raises RequestInvalid."""
    check_origin(request.headers.get("Origin", ""))
    return Response(b"", content_type=JSON)


def check_origin(origin: str) -> None:
    """Refuse a preflight that doesn't say which page asks. Raises RequestInvalid."""
    if not origin.lower().startswith(ORIGINS):
        raise RequestInvalid("Origin header is missing in CORS preflight")
