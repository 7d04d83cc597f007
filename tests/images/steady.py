"""Clients as a load balancer is one: each keeps its connection until it is told that it ends."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CLIENTS = 4
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Steady:
    """What became of the requests; `told` counts clients that were told to go elsewhere."""

    url: str
    path: str
    body: bytes
    answers: int = 0
    told: int = 0
    failures: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self) -> None:
        """One client, until `Connection: close`, a failure, or the end of the test."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_S)
        try:
            while not self.is_over.is_set():
                connection.request("POST", self.path, self.body)
                answer = connection.getresponse()
                text = answer.read()
                self._count(answer.status, text)
                if answer.will_close or answer.status != 200:
                    with self.lock:
                        self.told += 1
                    return
        except (OSError, http.client.HTTPException) as error:
            with self.lock:
                self.failures.append(repr(error))
        finally:
            connection.close()

    def _count(self, status: int, text: bytes) -> None:
        with self.lock:
            self.answers += 1
            if status != 200:
                self.failures.append(f"{status}: {text[:300]!r}")


@contextmanager
def steady_clients(url: str, path: str, body: bytes) -> Iterator[Steady]:
    """Several clients at once; they have ended when the block has."""
    steady = Steady(url, path, body)
    clients = [threading.Thread(target=steady.go_on) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield steady
    finally:
        steady.is_over.set()
        for client in clients:
            client.join(2 * TIMEOUT_S)
