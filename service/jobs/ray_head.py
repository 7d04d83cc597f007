"""Ray's Jobs API as its head serves it: asked with short patience, left alone while it is away."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import requests
from requests.auth import AuthBase

from service.base.hurry import Hurry

logger = logging.getLogger(__name__)

TIMEOUT_S = (2.0, 5.0)  # to connect, between two pieces of an answer
DEADLINE_S = 10.0  # for all of it; whoever supervises jobs waits for it
MOST_BYTES = 16 * 1024**2
PIECE = 65536
QUIET_S = 5.0  # it isn't asked for so long after it has not answered
HEARD_S = 5.0
TOLD_CHARACTERS = 300
BEFORE_IT = (429, 502, 503, 504)  # said by a proxy


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said to one question. Without a status it can't be known what it would have said:
    `why` tells what came instead.
    """

    status: int = 0
    body: Any = None
    why: str = ""


class RayHead:
    """One cluster, by the URL of its dashboard. Used by one thread."""

    def __init__(
        self,
        address: str,
        token: str,
        clock: Callable[[], float] = time.monotonic,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.address = address.rstrip("/")
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._clock = clock
        self._deadline_s = deadline_s
        self._hurry: Hurry[Answer] = Hurry("ray")
        self._away_since: float | None = None
        self._quiet_until = clock()
        self._heard_until = clock()
        self._why = ""

    @property
    def was_heard(self) -> bool:
        """Whether it has answered a moment ago."""
        return self._clock() < self._heard_until

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask it; for some seconds after it was away the answer is that it is."""
        if self._clock() < self._quiet_until:
            return Answer(why=self._why)
        answer = self._answer(method, path, body)
        self._note(answer)
        return answer

    def close(self) -> None:
        """Let go of its connections."""
        self._session.close()

    def _answer(self, method: str, path: str, body: Any) -> Answer:
        try:
            return self._hurry.ask(lambda: self._fetch(method, path, body), self._deadline_s)
        except TimeoutError as error:
            return Answer(why=f"{self.address} can't be asked: {error}")

    def _fetch(self, method: str, path: str, body: Any) -> Answer:
        try:
            # An answer from another address would have been given the token of this one.
            with self._session.request(
                method, f"{self.address}{path}",
                json=body, timeout=TIMEOUT_S, allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                return _understood(response.status_code, _content(response))
        except (requests.RequestException, ValueError, OSError) as error:
            return Answer(why=f"{self.address} can't be asked: {type(error).__name__}")

    def _note(self, answer: Answer) -> None:
        """Say once that it is away, and once that it is back."""
        now = self._clock()
        is_away = answer.status == 0
        if is_away:
            self._quiet_until, self._heard_until, self._why = now + QUIET_S, now, answer.why
        else:
            self._heard_until = now + HEARD_S
        if is_away and self._away_since is None:
            self._away_since = now
            logger.warning("Ray is away", extra={"why": answer.why})
        elif not is_away and self._away_since is not None:
            away_s = round(now - self._away_since)
            self._away_since = None
            logger.info("Ray is back", extra={"away_s": away_s})


class _Bearer(AuthBase):
    """The token of the cluster. Without it `requests` would look into a .netrc for another one."""

    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _content(response: requests.Response) -> bytes:
    """The body, if it isn't endless. Raises ValueError."""
    content = bytearray()
    for piece in response.iter_content(PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise ValueError("an answer without end")
    return bytes(content)


def _understood(status: int, content: bytes) -> Answer:
    """What the head has said. Its 500 means trouble of its own as well as a wrong question."""
    if status == 200:
        return Answer(status, orjson.loads(content))
    last = content.decode(errors="replace").strip()[-TOLD_CHARACTERS:]
    why = f"status {status}: {last}" if last else f"status {status}"
    if status in (401, 403):
        return Answer(why=f"{why}; the setting ray_token must be the token of the cluster")
    return Answer(0 if status in BEFORE_IT or 300 <= status < 400 else status, why=why)
