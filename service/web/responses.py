"""Flask's answers; apart from `answers.py`, which the master imports and keeps small by."""

import orjson
from flask import Response

from service.web.answers import JSON


def json_response(record: object, status: int = 200) -> Response:
    """A record as JSON."""
    return Response(orjson.dumps(record), status, content_type=JSON)
