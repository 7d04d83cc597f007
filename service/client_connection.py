"""A client's connection to one service: what is sent, tried again, refused, and read.

Connection errors, and answers that name a time to come again (429, 503), are tried again by
themselves; a change only where it can't have been made yet, or is known again by its key.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse, Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ReadTimeoutError

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.base.strict_json import Json

MAX_RETRY_AFTER_S = 10
FIRST_PAUSE_S = 0.1
POLL_S = 0.2
CONTROL_TIMEOUT_S = 60.0  # the service gives up before
SILENCE_S = 60.0  # who streams events says something every fifteen seconds
MAX_TIMEOUT_MS = 999_999_999
DONE = (200, 201, 202)
STREAMED = (200, 204)
KEY = "Idempotency-Key"

Content = bytes | Iterable[bytes] | None


class Connection:
    """Talks to one service; keeps its connections until `close`. Not for several threads at once.

    `timeout_s` is for one try; the service is told of it and doesn't compute in vain.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_s: float = 30, retries: int = 3
    ) -> None:
        """Raises ValueError for what is no address of a service."""
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url: expected http://HOST:PORT, got {url}")
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = _session(api_key, _retry(retries))
        self._changing = _session(api_key, _retry(retries, is_repeatable=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
        self._changing.close()

    def ready(self) -> bool:
        """True when everything is loaded that should be served. Raises ServiceUnreachable."""
        return self._readiness().status_code == 200

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Wait until it is. Raises ServiceUnreachable or ServiceRefused when time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                answer = self._readiness()
                if answer.status_code == 200:
                    return
                if time.monotonic() > deadline:
                    raise _refusal(answer)
            except ServiceUnreachable:
                if time.monotonic() > deadline:
                    raise
            time.sleep(POLL_S)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Any route: its JSON, or none for an empty answer."""
        return _read(self._send(method, path, body, {}))

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> requests.Response:
        sent = self._request(self._session, method, path, body, headers)
        return _accepted(sent)

    @contextmanager
    def _open(self, path: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """An answer whose body is read as it comes. Raises ServiceUnreachable where it breaks."""
        try:
            with self._session.get(
                f"{self._url}{path}", headers=headers, stream=True,
                timeout=(self._timeout_s, SILENCE_S),
            ) as sent:  # fmt: skip
                yield _accepted(sent, STREAMED)
        except (requests.RequestException, ReadTimeoutError) as error:
            raise ServiceUnreachable(self._url, type(error).__name__) from error

    def _change(
        self,
        method: str,
        path: str,
        body: Content,
        headers: dict[str, str] | None = None,
        timeout_s: float = CONTROL_TIMEOUT_S,
    ) -> Json:
        """A change; what is answered. Sent again once it may have been made only with a KEY."""
        patient_s, told = max(self._timeout_s, timeout_s), headers or {}
        session = self._session if KEY in told else self._changing
        sent = self._request(session, method, path, body, told, patient_s)
        answer: Json = _read(_accepted(sent, DONE))
        return answer

    def _readiness(self) -> requests.Response:
        return self._request(self._session, "GET", "/readyz", None, {})

    def _request(
        self,
        session: requests.Session,
        method: str,
        path: str,
        body: Content,
        headers: dict[str, str],
        timeout_s: float | None = None,
    ) -> requests.Response:
        within_s = timeout_s or self._timeout_s
        headers["X-Request-Timeout-Ms"] = str(min(MAX_TIMEOUT_MS, max(1, int(within_s * 1000))))
        url = f"{self._url}{path}"
        try:
            return session.request(method, url, data=body, headers=headers, timeout=within_s)
        except (requests.RequestException, ReadTimeoutError) as error:
            raise ServiceUnreachable(self._url, type(error).__name__) from error


class _Bearer(AuthBase):
    """The key in a header; as an authentication, so that a .netrc file doesn't replace it."""

    def __init__(self, api_key: str) -> None:
        self._header = f"Bearer {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _Retry(Retry):
    """Not after a timeout: what was too slow once would only be asked for twice."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """The next state, or the error again."""
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _retry(retries: int, is_repeatable: bool = True) -> Retry:
    """Connection errors, and 413, 429 and 503 where the answer has Retry-After.

    What isn't repeatable is not sent again after a connection that broke under way.
    """
    return _Retry(
        total=retries,
        read=None if is_repeatable else 0,
        allowed_methods=None,
        status_forcelist=(),
        respect_retry_after_header=True,
        retry_after_max=MAX_RETRY_AFTER_S,
        raise_on_status=False,
        backoff_factor=FIRST_PAUSE_S,
    )


def _session(api_key: str | None, retry: Retry) -> requests.Session:
    session = requests.Session()
    if api_key is not None:
        session.auth = _Bearer(api_key)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _accepted(answer: requests.Response, statuses: Sequence[int] = (200,)) -> requests.Response:
    if answer.status_code not in statuses:
        raise _refusal(answer)
    return answer


def _read(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    try:
        return orjson.loads(answer.content)
    except ValueError as error:
        raise ServiceRefused(200, "no JSON; is it kerasd?") from error


def _refusal(answer: requests.Response) -> ServiceRefused:
    why: Any = "no JSON; is it kerasd?"
    with suppress(ValueError):
        record = orjson.loads(answer.content)
        why = record.get("error", record) if isinstance(record, dict) else record
    return ServiceRefused(answer.status_code, str(why))
