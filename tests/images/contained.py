"""A kerasd in a container that may as little as possible: started, asked and looked at."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.conftest import ROOT
from tests.images.engine import DockerFailed, Engine
from tests.running import wait_until

MODELS = ROOT / "model_repo"
SAMPLES = ("breast-cancer", "digits", "motions")
LEAST_RIGHT = 0.9
PORT = 8080
LOCKED_DOWN = [
    "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
    "--pids-limit", "256", "--tmpfs", "/tmp:rw,noexec,nosuid,size=256m",
]  # fmt: skip
HEALTHY_S = 180.0
MEGABYTE = 1_000_000


class Contained:
    """One container; `started` is when it was asked for."""

    def __init__(self, engine: Engine, *args: str) -> None:
        self.engine = engine
        self.started = time.monotonic()
        self.id = engine.run(*LOCKED_DOWN, *args)
        self.url = f"http://{engine.address(self.id)}:{PORT}"

    def predict(self, model: str) -> requests.Response:
        """Ask about the model's examples."""
        body = (MODELS / model / "examples.json").read_bytes()
        return requests.post(f"{self.url}/v1/models/{model}:predict", data=body, timeout=60)

    def is_right(self, model: str) -> bool:
        """Whether the examples are answered, nearly all with what was true of them."""
        try:
            answer = self.predict(model)
        except requests.RequestException:  # nobody listens yet
            return False
        if answer.status_code != 200:
            return False
        said = [decision["label"] for decision in answer.json()["decisions"]]
        truth = json.loads((MODELS / model / "examples.json").read_bytes())["labels"]
        right: int = sum(one == true for one, true in zip(said, truth, strict=True))
        return right >= LEAST_RIGHT * len(truth)

    def first_answer_s(self, model: str) -> float:
        """How long it took until the model was answered right."""
        wait_until(lambda: self.is_right(model), f"an answer; {self.tail()}", HEALTHY_S)
        return time.monotonic() - self.started

    def first_line(self) -> None:
        """Wait until it has written something."""
        wait_until(lambda: bool(self.lines()), "a line of its log", HEALTHY_S)

    def wait_healthy(self) -> None:
        """Wait until Docker calls it healthy; fail when it ends before."""
        wait_until(self._is_healthy, "healthy", HEALTHY_S)

    def _is_healthy(self) -> bool:
        status = self.engine.inspect(self.id, "{{.State.Status}}")
        assert status == "running", f"{status}: {self.tail()}"
        return self.engine.health(self.id) == "healthy"

    def anonymous_bytes(self) -> int:
        """Memory of all its processes that a limit can't take from them: no pages of files."""
        folder = "/sys/fs/cgroup"
        try:
            sums = self.engine.exec(self.id, "cat", f"{folder}/memory/memory.stat")
        except DockerFailed:  # the second version of cgroups
            sums = self.engine.exec(self.id, "cat", f"{folder}/memory.stat")
        lines = dict(line.split() for line in sums.splitlines())
        return int(lines["total_rss"] if "total_rss" in lines else lines["anon"])

    def tail(self) -> str:
        """The end of what it has written."""
        return self.engine.logs(self.id)[-3000:]

    def lines(self) -> list[Mapping[str, object]]:
        """Its log, line by line."""
        lines = self.engine.logs(self.id).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def contained(engine: Engine, *args: str) -> Iterator[Contained]:
    """Options, image and command of a container that is removed with its volumes at the end."""
    container = Contained(engine, *args)
    try:
        yield container
    finally:
        engine.remove(container.id)


def mounted(source: Path, target: str) -> list[str]:
    """The option for a folder of this machine's that the container may read."""
    return ["--volume", f"{source}:{target}:ro"]
