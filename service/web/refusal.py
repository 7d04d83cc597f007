"""What is answered to a request that never reaches the application."""

from collections.abc import Sequence

from service.base.errors import KerasdError
from service.web.answers import JSON, REQUEST_ID, RequestIds, error_body, explain
from service.web.turn import STATUS_LINES

Headers = Sequence[tuple[str, str]]


class Refusals:
    """One worker's, made after the fork: its ids are its own. `headers` are those of any answer."""

    def __init__(self, headers: Headers) -> None:
        self._headers = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers)
        self._ids = RequestIds()

    def answer(self, error: KerasdError, request_id: str, common: bytes) -> list[bytes]:
        """Bytes of an answer after which the connection closes; `request_id` is the client's."""
        status, text, named = explain(error)
        body = error_body(text)
        fields = "".join(f"{name.lower()}: {value}\r\n" for name, value in named.items())
        head = (
            f"{REQUEST_ID.lower()}: {self._ids.take(request_id)}\r\n{self._headers}{fields}"
            f"content-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        return [STATUS_LINES[status], common, head.encode("latin-1"), body]
