"""A client for a running kerasd: predictions on NumPy arrays, and what the service says of itself.

    with Client("http://localhost:8080") as client:
        prediction = client.predict("digits", images)

Arrays of numbers travel as the bytes they are (version 2 of the protocols), everything else as JSON
(version 1); the caller need not know. Every call may be repeated without harm, so that connection
errors and answers that name a time to come again (429, 503) are tried again by themselves.
"""

import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse, Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ReadTimeoutError

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.base.signature import Signature
from service.client_tensors import (
    Decision,
    Inputs,
    Prediction,
    as_arrays,
    binary_prediction,
    binary_request,
    json_prediction,
    json_request,
    signature_of,
)

__all__ = ["Client", "Decision", "Prediction"]

Json = dict[str, Any]

MAX_RETRY_AFTER_S = 10
FIRST_PAUSE_S = 0.1
POLL_S = 0.2
CONTROL_TIMEOUT_S = 60.0  # the service gives up before
STALE = (400, 404)  # what a signature from before a new version may lead to
MAX_TIMEOUT_MS = 999_999_999
HEADER_LENGTH = "Inference-Header-Content-Length"


class Client:
    """Talks to one service; keeps its connections until `close`. Not for several threads at once.

    `timeout_s` is for one try; the service is told of it and doesn't compute in vain.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_s: float = 30, retries: int = 3
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._signatures: dict[str, Signature] = {}
        self._session = requests.Session()
        if api_key is not None:
            self._session.auth = _Bearer(api_key)
        adapter = HTTPAdapter(max_retries=_retry(retries))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

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

    def predict(
        self, model: str, inputs: Inputs, version: int | None = None, label: str | None = None
    ) -> Prediction:
        """Ask for predictions: one array or list of instances, or one for each input by name.

        Raises ServiceUnreachable, ServiceRefused with the status, and TensorInvalid for arrays
        that don't fit the model's inputs.
        """
        place = _place(model, version, label)
        signature = self._signatures.get(place)
        is_fresh = signature is None
        if signature is None:
            signature = self._signatures[place] = self._signature(place)
        try:
            return self._predict(place, signature, inputs)
        except ServiceRefused as error:
            if is_fresh or error.status not in STALE:
                raise
            del self._signatures[place]
        return self.predict(model, inputs, version, label)

    def predict_json(
        self, model: str, inputs: Inputs, version: int | None = None, label: str | None = None
    ) -> Json:
        """The same as version 1 of the protocols answers it."""
        return self._predict_json(_place(model, version, label), inputs)

    def models(self) -> list[Json]:
        """Every version with its state; only the models' names where `extra_keys` is off."""
        answer = self.ask("GET", "/v1/models")
        versions: list[Json] = answer.get("versions") or [
            {"model": name} for name in answer["models"]
        ]
        return versions

    def status(self, model: str, version: int | None = None) -> list[Json]:
        """The versions of one model, in TensorFlow Serving's words."""
        answer = self.ask("GET", f"/v1/models/{_place(model, version)}")
        statuses: list[Json] = answer["model_version_status"]
        return statuses

    def metadata(self, model: str, version: int | None = None) -> Signature:
        """Names, types and shapes of inputs and outputs."""
        return self._signature(_place(model, version))

    def sample(self, model: str) -> Json:
        """A request that works, and commands and programs that send it."""
        sample: Json = self.ask("GET", f"/v1/models/{quote(model)}/sample")
        return sample

    def load(self, model: str) -> None:
        """Have a model's files loaded as they are now; done when every worker has."""
        self._control(model, "load")

    def unload(self, model: str) -> None:
        """Have a model answer no more, also after a restart, until it is loaded."""
        self._control(model, "unload")

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
        content = self._send(method, path, body, {}).content
        if not content:
            return None
        try:
            return orjson.loads(content)
        except ValueError as error:
            raise ServiceRefused(200, "no JSON; is it kerasd?") from error

    def _control(self, model: str, verb: str) -> None:
        path = f"/v2/repository/models/{quote(model)}/{verb}"
        self._send("POST", path, b"{}", {}, max(self._timeout_s, CONTROL_TIMEOUT_S))

    def _predict(self, place: str, signature: Signature, inputs: Inputs) -> Prediction:
        arrays = None if "/labels/" in place else as_arrays(inputs, signature)
        if arrays is None:
            return json_prediction(self._predict_json(place, inputs), signature)
        head, body = binary_request(arrays)
        headers = {HEADER_LENGTH: str(head), "Content-Type": "application/octet-stream"}
        sent = self._send("POST", f"/v2/models/{place}/infer", body, headers)
        length = sent.headers.get(HEADER_LENGTH)
        return binary_prediction(sent.content, None if length is None else int(length), signature)

    def _predict_json(self, place: str, inputs: Inputs) -> Json:
        answer: Json = self.ask("POST", f"/v1/models/{place}:predict", json_request(inputs))
        return answer

    def _signature(self, place: str) -> Signature:
        return signature_of(self.ask("GET", f"/v1/models/{place}/metadata"))

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float | None = None,
    ) -> requests.Response:
        answer = self._request(method, path, body, headers, timeout_s or self._timeout_s)
        if answer.status_code != 200:
            raise _refusal(answer)
        return answer

    def _readiness(self) -> requests.Response:
        return self._request("GET", "/readyz", None, {}, self._timeout_s)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout_s: float
    ) -> requests.Response:
        headers["X-Request-Timeout-Ms"] = str(min(MAX_TIMEOUT_MS, max(1, int(timeout_s * 1000))))
        url = f"{self._url}{path}"
        try:
            return self._session.request(method, url, data=body, headers=headers, timeout=timeout_s)
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


def _retry(retries: int) -> Retry:
    """Connection errors, and 413, 429 and 503 where the answer has Retry-After."""
    return _Retry(
        total=retries,
        allowed_methods=None,
        status_forcelist=(),
        respect_retry_after_header=True,
        retry_after_max=MAX_RETRY_AFTER_S,
        raise_on_status=False,
        backoff_factor=FIRST_PAUSE_S,
    )


def _place(model: str, version: int | None = None, label: str | None = None) -> str:
    """The part of a path that names what is asked."""
    if version is not None:
        return f"{quote(model)}/versions/{version}"
    return quote(model) if label is None else f"{quote(model)}/labels/{quote(label)}"


def _refusal(answer: requests.Response) -> ServiceRefused:
    why: Any = "no JSON; is it kerasd?"
    with suppress(ValueError):
        record = orjson.loads(answer.content)
        why = record.get("error", record) if isinstance(record, dict) else record
    return ServiceRefused(answer.status_code, str(why))
