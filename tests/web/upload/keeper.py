"""An application behind the edge that takes uploads and says what came."""

import asyncio
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

from service.base.errors import KerasdError
from service.base.settings import Settings
from service.web.edge import Uploads
from service.web.turn import Message, Receive, Send
from service.web.upload.intake import Intake
from service.web.upload.stream import EXTENSION, Streams

PATH = "/v1/models/m/versions"


class Keeper:
    """Lets in whom it is told to; holds an answer until the test lets it go."""

    def __init__(self) -> None:
        self.refusal: KerasdError | None = None
        self.admitted: list[str] = []
        self.let_go = threading.Event()
        self.let_go.set()

    def admit(self, scope: Message) -> None:
        self.admitted.append(scope["path"])
        if self.refusal is not None:
            raise self.refusal

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        stream = scope.get("extensions", {}).get(EXTENSION)
        body = (await receive())["body"]
        try:
            status, said = 200, await asyncio.to_thread(self._take, stream, body)
        except KerasdError as error:
            status, said = error.status, {"error": str(error)}
        fields = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    def _take(self, stream: Any, body: bytes) -> dict[str, Any]:
        if stream is None:
            return {"body": len(body)}
        received = stream.finish()
        self.let_go.wait(20)
        return {
            "body": len(body),
            "files": {name: digest(path) for name, path in received.files.items()},
        }


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def uploads(folder: Path, **more: Any) -> Uploads:
    """The part of a worker that takes bodies, over a repository and a state of its own."""
    (folder / "repository").mkdir(exist_ok=True)
    (folder / "state").mkdir(exist_ok=True)
    settings = Settings(repository=folder / "repository", state_dir=folder / "state", **more)
    return Streams(Intake(settings))


def kept(folder: Path) -> list[Path]:
    """What lies of uploads that are under way."""
    incoming = folder / "state" / "incoming"
    return sorted(incoming.iterdir()) if incoming.is_dir() else []
