"""Clients that ask for predictions at once over connections that they keep, as a balancer does."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.running import wait_until

CLIENTS = 4
TIMEOUT_S = 60.0


@dataclass(slots=True)
class Load:
    """What became of the requests: bodies of answers, and in words each that was none.

    `told` counts answers that said that their connection ends.
    """

    url: str
    path: str
    body: bytes
    pause_s: float
    stays: bool
    answers: list[bytes] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    told: int = 0
    slowest_s: float = 0.0
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self, times: int = 100) -> None:
        """Wait for so many more answers: what happens next happens under load."""
        wanted = len(self.answers) + times
        wait_until(lambda: len(self.answers) >= wanted or bool(self.failures), "answers", TIMEOUT_S)

    def ask(self) -> None:
        """One client: an answer at a time; without `stays` until it is told that it ends."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_S)
        try:
            while not self.is_over.wait(self.pause_s):
                if self._ask_once(connection) and not self.stays:
                    return
        finally:
            connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection) -> bool:
        """Whether this was the connection's last; the next request opens another one."""
        begun = time.monotonic()
        try:
            connection.request("POST", self.path, self.body)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with self.lock:
                self.failures.append(f"no answer: {error!r}")
            return True
        with self.lock:
            self._count(answer.status, text, answer.will_close, time.monotonic() - begun)
        return answer.will_close

    def _count(self, status: int, text: bytes, will_close: bool, took_s: float) -> None:
        self.slowest_s = max(self.slowest_s, took_s)
        self.told += will_close
        if status == 200:
            self.answers.append(text)
        else:
            self.failures.append(f"{status}: {text[:300]!r}")


@contextmanager
def load(
    url: str, path: str, body: bytes, *, pause_s: float = 0.0, stays: bool = True
) -> Iterator[Load]:
    """Several clients, as long as the block lasts."""
    asked = Load(url, path, body, pause_s, stays)
    clients = [threading.Thread(target=asked.ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield asked
    finally:
        asked.is_over.set()
        for client in clients:
            client.join(2 * TIMEOUT_S)
