"""The least that any Python application under the same gunicorn can cost: no framework at all."""

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.servers import constants


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Take the whole body in and answer a constant."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    content, content_type = constants.answer(environ["PATH_INFO"], len(body))
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
    start_response("200 OK", headers)
    return [content]
