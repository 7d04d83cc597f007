"""One client for both ways in: the ASGI front on an event loop, and Flask by its own client."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from service.web.app import create_app
from service.web.front import Front
from service.web.process import WebProcess


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class FlaskClient:
    """Asks the Flask application."""

    def __init__(self, process: WebProcess) -> None:
        self._client = create_app(process).test_client()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._client.open(path, method=method, data=body, headers=sent)
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, named, answer.data)


class FrontClient:
    """Asks the front; the body arrives in two pieces, as a network would have it."""

    def __init__(self, process: WebProcess) -> None:
        self._front = Front(process)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        return asyncio.run(self._ask(method, path, body, headers))

    async def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        half = len(body) // 2
        pieces = [(body[:half], True), (body[half:], False)]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            if not pieces:
                return {"type": "http.disconnect"}
            piece, more = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": more}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._front(_scope(method, path, body, headers), receive, send)
        content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        start = sent[0]
        named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], named, content)


def _scope(method: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    listed = [(b"content-length", str(len(body)).encode())] + [
        (name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()
    ]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": listed, "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }  # fmt: skip
