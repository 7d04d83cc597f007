"""Requests under way all the time, over connections that are kept, each with a record."""

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks.scaled import BODY, NUMBERS, ROW, answer_of
from tests.chaos.seen import DIED, LATE, OK, REFUSED, Seen
from tests.running import wait_until

PATIENCE_S = 40.0
AGAIN_S = 0.05
ON_ONE_CONNECTION = 60  # so that all workers have some, those that came later, too
MOST = 400_000
V2_BODY = json.dumps(
    {"inputs": [{"name": "x", "shape": [1, NUMBERS], "datatype": "FP32", "data": ROW}]}
).encode()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a model, or one of its versions, in one of the protocols."""

    model: str
    version: int | None = None
    is_v2: bool = False

    def message(self, port: int) -> bytes:
        """The request as it goes over the wire."""
        version = "" if self.version is None else f"/versions/{self.version}"
        body = V2_BODY if self.is_v2 else BODY
        verb = "/infer" if self.is_v2 else ":predict"
        path = f"/{'v2' if self.is_v2 else 'v1'}/models/{self.model}{version}{verb}"
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


class Load:
    """Asks from a thread of its own for as long as the block lasts; `pause_s` between requests.

    All connections ask all questions in turn. A record that grows too long ends the load.
    """

    def __init__(
        self, port: int, questions: Sequence[Question], connections: int = 8, pause_s: float = 0.004
    ) -> None:
        self.seen: list[Seen] = []
        self.pause_s = pause_s
        self._port = port
        self._connections = connections
        self._questions = itertools.cycle([(each, each.message(port)) for each in questions])
        self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="load")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._thread.join()

    def good_since(self, moment: float) -> int:
        """How many requests sent after a moment were answered well."""
        newest = itertools.takewhile(lambda one: one.answered >= moment, reversed(self.seen))
        return sum(each.is_good and each.sent >= moment for each in newest)

    def wait_for(self, count: int, what: str = "good answers", timeout_s: float = 60.0) -> None:
        """Wait until so many requests that are sent from now on have been answered well."""
        now = time.monotonic()
        wait_until(lambda: self.good_since(now) >= count, f"{count} {what}", timeout_s)

    async def _all(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._connections)))

    async def _client(self) -> None:
        while not self._is_over and len(self.seen) < MOST:
            began = time.monotonic()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                question, _ = next(self._questions)
                self._take(question, began, 0, b"", "", REFUSED)
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                await self._talk(reader, writer)
            finally:
                writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask over one connection until it ends or has been used long enough."""
        worker = ""
        for _ in range(ON_ONE_CONNECTION):
            if self._is_over or len(self.seen) >= MOST:
                return
            question, message = next(self._questions)
            sent = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    writer.write(message)
                    status, headers, body = await _read(reader)
            except (OSError, EOFError, TimeoutError) as error:
                why = LATE if isinstance(error, TimeoutError) else DIED
                self._take(question, sent, 0, b"", worker, why)
                await asyncio.sleep(AGAIN_S)
                return
            worker = headers.get("x-request-id", "").partition("-")[0]
            self._take(question, sent, status, body, worker, "")
            if headers.get("connection") == "close":
                return
            await asyncio.sleep(self.pause_s)

    def _take(
        self, question: Question, sent: float, status: int, body: bytes, worker: str, why: str
    ) -> None:
        answered = time.monotonic()
        version, factor = told(body) if status == OK else ("", None)
        why = why or ("" if status == OK else body.decode(errors="replace")[:300])
        asked = question.version
        self.seen.append(
            Seen(question.model, sent, answered, status, asked, version, factor, worker, why)
        )


def told(body: bytes) -> tuple[str, float | None]:
    """The version that an answer claims, and the factor by which every number is multiplied."""
    answer = json.loads(body)
    if "outputs" in answer:
        numbers = answer["outputs"][0]["data"]
    else:
        (numbers,) = answer["predictions"]
    factor = numbers[0] / ROW[0]
    is_whole = factor == int(factor) and numbers == answer_of(int(factor))
    return str(answer.get("model_version")), factor if is_whole else None


def together(count: int, ask: Callable[[int], object]) -> None:
    """Call from so many threads at once; an error in any of them is raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            ask(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers, body
