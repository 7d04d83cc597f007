"""A worker over fake versions, and one client for both ways into it: the front and Flask."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from service.base.database import open_database
from service.base.metrics import REGISTRY
from service.base.settings import Settings
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.web.app import create_app
from service.web.exchange import Identity
from service.web.front import Front
from service.web.process import WebProcess
from service.web.served import ServedVersion
from tests.databases import migrate
from tests.fakes import FakeVersion

ARTEFACT = "f" * 64
LENGTH = "inference-header-content-length"
Message = MutableMapping[str, Any]
Fakes = Mapping[str, FakeVersion | Exception]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class FakeWorker(WebProcess):
    """A worker that loads these versions and no others; an error is one that can't be loaded."""

    def __init__(self, settings: Settings, fakes: Fakes) -> None:
        super().__init__(settings)
        self.fakes = dict(fakes)

    def _load(self, row: VersionRow) -> ServedVersion:
        loaded = self.fakes[row.model]
        if isinstance(loaded, Exception):
            raise loaded
        identity = Identity(row.model, row.version, ARTEFACT, "h5", "2.4.0")
        return self.serve(identity, loaded, row.config)


def row(
    model: str, state: State = State.READY, reason: str = "", config: ModelConfig | None = None
) -> VersionRow:
    """Version 2 of a model, served if it is ready."""
    return VersionRow(
        model, 2, state, reason, artefact=ARTEFACT,
        config=config or ModelConfig(),
    )  # fmt: skip


def make_worker(
    folder: Path,
    fakes: Fakes,
    configs: Mapping[str, ModelConfig] | None = None,
    others: tuple[VersionRow, ...] = (),
    is_scanned: bool = True,
    **settings: Any,
) -> FakeWorker:
    """A worker over a database of its own; it is not started, and the caller closes it."""
    read = Settings(state_dir=folder, repository=folder, **{"max_body_mb": 1, **settings})
    engine = open_database(read.database)
    migrate(engine)
    rows = [row(name, config=(configs or {}).get(name)) for name in fakes]
    if is_scanned:
        VersionStore(engine, read.repository_key).replace([*rows, *others])
    engine.dispose()
    return FakeWorker(read, fakes)


@contextmanager
def working(folder: Path, fakes: Fakes, *rest: Any, **settings: Any) -> Iterator[FakeWorker]:
    """A worker that has loaded the fakes and goes on looking, closed in the end."""
    worker = make_worker(folder, fakes, *rest, **settings)
    worker.reloader.step(0.0)
    worker.reloader.start()
    try:
        yield worker
    finally:
        worker.close()


class Client:
    """Either way in; `body` may be a record, `headers` have underscores for hyphens."""

    def ask(self, method: str, path: str, body: Any = b"", **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._send(method, path, content, named)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        raise NotImplementedError

    def post(self, path: str, body: Any = b"", **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def predict(self, model: str, body: Any, **headers: str) -> Answer:
        answer = self.post(f"/v1/models/{model}:predict", body, **headers)
        assert answer.headers["content-type"] == "application/json"
        return answer

    def infer(self, model: str, body: Any, **headers: str) -> Answer:
        return self.post(f"/v2/models/{model}/infer", body, **headers)

    def infer_raw(self, model: str, record: Any, *blobs: bytes, **headers: str) -> Answer:
        """With raw tensors behind the JSON."""
        header = orjson.dumps(record)
        length = {LENGTH: str(len(header))}
        return self.infer(model, header + b"".join(blobs), **length, **headers)

    def close(self) -> None:
        """Nothing is open."""


class FlaskClient(Client):
    """Asks the Flask application."""

    def __init__(self, process: WebProcess) -> None:
        self._client = create_app(process).test_client()

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        answer = self._client.open(path, method=method, data=body, headers=headers, buffered=True)
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, named, answer.data)


class FrontClient(Client):
    """Asks the front, always on the same loop; the body arrives in pieces, as off a network."""

    def __init__(self, process: WebProcess) -> None:
        self._front = Front(process)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        asked = Exchange(method, path, body, headers)
        self._runner.run(asked.run(self._front))
        assert asked.answer is not None
        return asked.answer


class Exchange:
    """One request to the front as its server brings it; the client leaves when it is told to."""

    def __init__(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        listed = {"content-length": str(len(body)), **(headers or {})}
        path, _, query = path.partition("?")
        self.scope: Message = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "",
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(k.lower().encode(), v.encode()) for k, v in listed.items()],
        }  # fmt: skip
        half = len(body) // 2
        self._pieces = [(body[:half], True), (body[half:], False)]
        self._sent: list[Message] = []
        self.gone = asyncio.Event()

    async def run(self, front: Front) -> None:
        """Until the front has finished with it."""
        await front(self.scope, self._receive, self._send)

    @property
    def answer(self) -> Answer | None:
        """What was sent back, if anything was."""
        if not self._sent:
            return None
        start = self._sent[0]
        named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        body = b"".join(m.get("body", b"") for m in self._sent[1:])
        return Answer(start["status"], named, b"" if self.scope["method"] == "HEAD" else body)

    async def _receive(self) -> Message:
        if self._pieces:
            piece, more = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": more}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self._sent.append(message)


WAYS = (FlaskClient, FrontClient)


@contextmanager
def asking(way: Callable[[WebProcess], Client], process: WebProcess) -> Iterator[Client]:
    """A client, closed in the end."""
    client = way(process)
    try:
        yield client
    finally:
        client.close()


def counted(name: str, **labels: str) -> float:
    """The value of a metric now; 0 where there is no such series."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
