"""Clients that ask for predictions without a pause and remember every answer that was none."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.images.people import MODEL
from tests.running import wait_until

CLIENTS = 4
PAUSE_S = 0.01  # of each client: the machine has other things to do, too
TIMEOUT_S = 60.0


@dataclass(slots=True)
class Load:
    """What became of the requests: ids of predictions, and failures in words."""

    url: str
    ids: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    slowest_s: float = 0.0

    def go_on(self, times: int = 100) -> None:
        """Wait for so many more answers: what happens next happens under load."""
        wanted = len(self.ids) + times
        wait_until(lambda: len(self.ids) >= wanted or bool(self.failures), "answers", TIMEOUT_S)

    def ask(self) -> None:
        """One client: a connection that is kept, an answer at a time."""
        with requests.Session() as session:
            while not self.is_over.wait(PAUSE_S):
                self._ask_once(session)

    def _ask_once(self, session: requests.Session) -> None:
        begun = time.monotonic()
        url = f"{self.url}/v1/models/{MODEL}:predict"
        try:
            answer = session.post(url, json={"instances": [[1.0]]}, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            self.failures.append(f"no answer: {error}")
            return
        if answer.status_code == 200:
            self.ids.append(answer.json()["prediction_id"])
        else:
            self.failures.append(f"{answer.status_code}: {answer.text[:300]}")
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)


@contextmanager
def load(url: str) -> Iterator[Load]:
    """Several clients at once, as long as it is needed."""
    asked = Load(url)
    clients = [threading.Thread(target=asked.ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield asked
    finally:
        asked.is_over.set()
        for client in clients:
            client.join(2 * TIMEOUT_S)
