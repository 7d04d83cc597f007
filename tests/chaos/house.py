"""A repository of models that tell their versions, a real service over it, and its operator."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import requests

from benchmarks.scaled import Scaled
from tests.chaos.seen import Promotion, Published
from tests.running import RunningService, wait_until

CALL_TIMEOUT_S = 60.0


@dataclass(slots=True)
class House:
    """The folders of one service, and what has been published in them."""

    scaled: Scaled
    repository: Path
    state_dir: Path
    published: list[Published] = field(default_factory=list)

    def furnish(self, models: Mapping[str, Mapping[int, int]]) -> None:
        """Publish models as version -> factor, with their compiled forms."""
        for model, versions in models.items():
            for version, factor in versions.items():
                self.publish(model, version, factor, since=-inf)

    def configure(self, model: str, text: str) -> None:
        """Write the model's model.yaml."""
        folder = self.repository / model
        folder.mkdir(exist_ok=True)
        (folder / "model.yaml").write_text(text)

    def publish(
        self,
        model: str,
        version: int,
        factor: int,
        is_compiled: bool = True,
        since: float | None = None,
    ) -> None:
        """Publish one version now; not compiled, it is work for the service."""
        if is_compiled:
            self.scaled.give(self.state_dir, factor)
        began = time.monotonic() if since is None else since
        self.scaled.publish(self.repository / model / str(version), factor)
        self.published.append(Published(model, version, factor, since=began))


@dataclass(frozen=True, slots=True)
class Called:
    """One call of an operator: its answer, and the moments around it."""

    status: int
    body: Any
    began: float
    ended: float

    @property
    def took_s(self) -> float:
        return self.ended - self.began


class Operator:
    """Calls that change what is served; each over a connection of its own."""

    def __init__(self, service: RunningService) -> None:
        self._url = service.url

    def promote(self, model: str, version: int, expected: int | None = None) -> Called:
        body = {"why": "chaos"} | ({} if expected is None else {"expected_current": expected})
        return self.post(f"/v1/models/{model}/versions/{version}:promote", body)

    def post(self, path: str, body: object = None) -> Called:
        return self.call("POST", path, body)

    def call(self, method: str, path: str, body: object = None) -> Called:
        """A status of 0 where the connection ended: nobody knows what became of the call."""
        began = time.monotonic()
        try:
            answer = requests.request(method, self._url + path, json=body, timeout=CALL_TIMEOUT_S)
        except requests.RequestException as error:
            return Called(0, repr(error), began, time.monotonic())
        ended = time.monotonic()
        try:
            return Called(answer.status_code, answer.json(), began, ended)
        except ValueError:
            return Called(answer.status_code, answer.text, began, ended)

    def current(self, model: str) -> int | None:
        """The version that answers requests without one, as an answer tells."""
        answer = self.post(f"/v1/models/{model}:predict", {"instances": [[1.0, 2.0, 3.0, 4.0]]})
        return int(answer.body["model_version"]) if answer.status == 200 else None


def promotion(model: str, version: int, called: Called) -> Promotion | None:
    """What a call may have changed: for certain, at some time after its beginning, or nothing."""
    if called.status == 200:
        return Promotion(model, version, called.began, called.ended)
    if called.status in (0, 500, 503, 504):
        return Promotion(model, version, called.began, inf)
    return None


@contextmanager
def served(house: House, **settings: str) -> Iterator[RunningService]:
    """The house's service, ready; it is ended whatever happens."""
    service = RunningService(house.repository, house.state_dir, **settings)
    try:
        service.wait_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def wait_state(service: RunningService, model: str, version: int, state: str) -> None:
    """Wait until a version is in a state."""

    def is_there() -> bool:
        try:
            return service.states().get((model, version), ("", ""))[0] == state
        except (requests.RequestException, ValueError, KeyError):
            return False

    wait_until(is_there, f"{model} {version} is {state}; see {service.log}", 120)
