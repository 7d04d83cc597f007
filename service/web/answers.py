"""Errors as answers: one JSON shape with the right status, whoever noticed the error."""

import itertools
import logging
import secrets

import orjson

from service.base.errors import KerasdError, MemoryShort
from service.base.http_errors import Unauthenticated
from service.base.log import request_id

logger = logging.getLogger(__name__)

JSON = "application/json"
REQUEST_ID = "X-Request-Id"
MAX_REQUEST_ID = 128


def error_body(text: str) -> bytes:
    """The body of every error, as TensorFlow Serving and the Open Inference Protocol have it."""
    # Half a surrogate pair out of a client's text must not keep its error from being told.
    return orjson.dumps({"error": text.encode(errors="backslashreplace").decode()})


def explain(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers for an error; what isn't ours is logged and not shown."""
    if isinstance(error, MemoryError):
        error = MemoryShort()
    if isinstance(error, KerasdError):
        return error.status, str(error), _headers(error)
    logger.error("request failed", exc_info=error)
    return 500, f"internal error (request id {request_id.get()})", {}


def _headers(error: KerasdError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}


class RequestIds:
    """Ids of requests: unique over workers by a random part, cheap by a counted one."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def take(self, given: str) -> str:
        """The client's own id if it is a decent one, else a new one; for logs and answers."""
        if given and len(given) <= MAX_REQUEST_ID and given.isascii() and given.isprintable():
            return given
        return f"{self._prefix}-{next(self._numbers):x}"
