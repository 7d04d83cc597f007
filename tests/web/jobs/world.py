"""A worker with a job table of its own, the program of a job played by hand, and watchers."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import requests

from service.base.settings import Settings
from service.base.strict_json import Json
from service.jobs.job import Job, JobOrder, JobState, Kind
from service.web.crowd import EdgeLimits
from service.web.front import Front
from service.web.jobs.data_intake import DataIntake
from service.web.jobs.feed import Feed, reader
from service.web.jobs.watchers import Patience, Watchers
from service.web.process import WebProcess
from service.web.turn import Message, Receive, Send
from service.web.upload.intake import Intake
from service.web.upload.stream import Streams
from tests.fakes import FakeVersion
from tests.web.client import FakeWorker, make_worker
from tests.web.edge_server import Server, serving

LIMITS = EdgeLimits(
    max_connections=64, head_timeout_s=10, body_timeout_s=10, max_body_bytes=200_000,
    keep_alive_s=30.0, linger_s=0.3, sweep_s=0.05,
)  # fmt: skip
NOW = 1_800_000_000.0
PACE_S = 0.02
HASTE = Patience(silence_s=0.1, longest_s=60)

NO_HEADERS: Mapping[str, str] = {}


def submit(process: WebProcess, model: str = "m", **more: Any) -> Job:
    """A job that waits."""
    request = {"data": {"file": "train.csv"}}
    order = JobOrder(Kind.RETRAIN, model, request, "ann", **more)
    return process.jobs.submit(order, NOW)


class Program:
    """The program of one job, with its hands on the real table."""

    def __init__(self, process: WebProcess, model: str = "m", job: str = "", **more: Any) -> None:
        self._store = process.jobs
        self.id = job or submit(process, model, **{"priority": 100, **more}).id
        begun = ""
        while begun != self.id:  # what else waits may come first
            claimed = self._store.claim(NOW, at_once=100, owner="here")
            assert claimed is not None
            begun, self.attempt = claimed.id, claimed.attempt

    def go_on_with(self, process: WebProcess) -> None:
        """The same program, when the service was started anew."""
        self._store = process.jobs

    def epoch(self, number: int, **told: float) -> int:
        return self.tell("epoch", epoch=number, **told)

    def tell(self, kind: str, **body: Any) -> int:
        return self._store.add_event(self.id, self.attempt, kind, body, NOW)

    def progress(self, **told: Any) -> None:
        self._store.beat(self.id, self.attempt, NOW, told)

    def finish(self, state: JobState = JobState.PUBLISHED, **result: Any) -> None:
        self._store.finish(self.id, self.attempt, state, NOW, result)


class Application:
    """The front as a server has it."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.admit = front.admit
        self.let_go = threading.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)


@dataclass(frozen=True)
class World:
    """A worker behind the real edge; `watchers` are those of its front."""

    process: WebProcess
    server: Server
    watchers: Watchers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextmanager
def world(folder: Path, patience: Patience = HASTE, **settings: Any) -> Iterator[World]:
    """It is started, and closed, by the server, as in production."""
    fakes = {"m": FakeVersion(), "other": FakeVersion()}
    if (folder / "kerasd.sqlite").exists():
        process = FakeWorker(Settings(state_dir=folder, repository=folder, **settings), fakes)
    else:
        process = make_worker(folder, fakes, **settings)
    front = Front(process)
    front._watchers.close()
    feed = Feed(reader(process.jobs), PACE_S)
    watchers = front._watchers = Watchers(feed, process.settings.job_streams, patience)
    uploads = Streams(Intake(process.settings), DataIntake(process.settings))
    with serving(LIMITS, Application(front), lambda: uploads) as server:
        yield World(process, server, watchers)


@dataclass(frozen=True)
class Told:
    """One event of a stream."""

    name: str
    id: int | None
    data: Json


class Watcher:
    """A client that reads a stream of events, piece by piece."""

    def __init__(
        self, url: str, job: str, after: int | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        named = {"Accept": "text/event-stream", **headers}
        if after is not None:
            named["Last-Event-ID"] = str(after)
        self.answer = requests.get(
            f"{url}/v1/jobs/{job}/events", headers=named, stream=True, timeout=20
        )
        self._lines = self.answer.iter_lines(chunk_size=1)
        self.comments = 0

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()

    def __iter__(self) -> Iterator[Told]:
        """Until the server closes."""
        fields: dict[bytes, bytes] = {}
        for line in self._lines:
            name, _, value = line.partition(b": ")
            if line.startswith(b":"):
                self.comments += 1
            elif name:
                fields[name] = value
            elif b"event" in fields:
                number = int(fields[b"id"]) if b"id" in fields else None
                yield Told(fields[b"event"].decode(), number, orjson.loads(fields[b"data"]))
                fields = {}
            else:
                fields = {}

    def numbered(self) -> Iterator[Told]:
        """Those of the table."""
        return (told for told in self if told.id is not None)
