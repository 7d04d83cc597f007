"""docker/compose.yaml brought up by Debian's docker-compose, in an engine of the tests' own.

It is the committed file. What tests change is said here: images of a registry are stood in for by
`beside/`, ports are free ones, secrets are made anew, and the line with `name` is left out, which
docker-compose 1.29 doesn't know.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.conftest import ROOT
from tests.images.base_image import base_name
from tests.images.engine import CLIENT, Engine
from tests.lacking import lacking
from tests.running import free_port, wait_until

COMPOSE = Path("/usr/bin/docker-compose")
BESIDE = Path(__file__).parent / "beside"
STAND_INS = ("alertmanager", "nginx", "postgres", "prometheus")
PORTS = {
    "web": "KERASD_PORT",
    "nginx": "REPLICAS_PORT",
    "prometheus": "PROMETHEUS_PORT",
    "alertmanager": "ALERTMANAGER_PORT",
    "tensorboard": "TENSORBOARD_PORT",
}
UP_S = 240.0
HEALTHY_S = 120.0
TAIL = 4000


class Composed:
    """One project: its services, and where they are asked."""

    def __init__(self, engine: Engine, folder: Path, settings: dict[str, str]) -> None:
        self.engine = engine
        self._folder = folder
        ports = {variable: str(free_port()) for variable in PORTS.values()}
        self._environment = {**engine.environment, **ports, **settings}
        self._ports = {service: ports[variable] for service, variable in PORTS.items()}

    def url(self, service: str) -> str:
        """Where a service is asked from this machine."""
        return f"http://127.0.0.1:{self._ports[service]}"

    def up(self, *services: str) -> None:
        """Start services with all that they need, in the order of their conditions."""
        self.compose("up", "--detach", *services)

    def change(self, **settings: str) -> None:
        """Have another .env from now on; containers follow with the next `up`."""
        self._environment |= settings

    def secret(self, name: str, value: str) -> None:
        """Write a secret's file as a shell does: it stays the same file, which is mounted."""
        (self._folder / "secrets" / name).write_text(value)

    def compose(self, *args: str) -> str:
        """What a docker-compose command prints; it must end well."""
        ended = self.run(*args)
        assert ended.returncode == 0, f"{args}: {ended.stdout}{ended.stderr}"[-TAIL:] + self.logs()
        return ended.stdout

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """A docker-compose command that has ended, well or not."""
        return self._ran([*self._command(), *args])

    def shell(self, line: str) -> str:
        """What a line of a page prints, run by a shell in the folder of the project."""
        docker = {"docker compose": " ".join(self._command()), "docker": str(CLIENT)}
        ours = re.sub(r"\bdocker( compose)?\b(?= )", lambda found: docker[found.group()], line)
        ended = self._ran(["sh", "-c", ours])
        assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"[-TAIL:] + self.logs()
        return ended.stdout

    def _command(self) -> list[str]:
        files = ["--file", "compose.yaml", "--file", "stand-ins.yaml"]
        return [str(COMPOSE), "--ansi", "never", "--project-name", "kerasd", *files]

    def _ran(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=UP_S, check=False,
        )  # fmt: skip

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.compose("ps", "--quiet", service).strip()

    def exec(self, service: str, *command: str) -> str:
        """What a command prints that is run in a service's container."""
        return self.engine.exec(self.container(service), *command)

    def python(self, service: str, code: str) -> str:
        """What a line of Python prints in a service's container."""
        return self.exec(service, "python", "-I", "-c", code)

    def wait_healthy(self, service: str) -> None:
        """Until the container's own health check says so."""
        container = self.container(service)
        wait_until(
            lambda: self.engine.health(container) == "healthy", f"{service} healthy", HEALTHY_S
        )

    def logs(self) -> str:
        """The end of what all services have written."""
        ended = self.run("logs", "--no-color", "--tail", "40")
        return ended.stdout[-2 * TAIL :]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that Prometheus has for an expression; none while it is starting."""
        try:
            url = f"{self.url('prometheus')}/api/v1/query"
            found = requests.get(url, params={"query": expression}, timeout=30).json()
        except requests.RequestException:
            return []
        return list(found["data"]["result"])


@contextmanager
def composed(
    engine: Engine, folder: Path, models: Path, image: str, profile: str = "single"
) -> Iterator[Composed]:
    """The project, of which nothing is started yet; all of it is removed in the end."""
    if not COMPOSE.is_file():
        lacking(f"no {COMPOSE}: apt-get install docker-compose")
    for name in STAND_INS:
        base = {"PYTHON_IMAGE": base_name()}
        engine.build(name, context=BESIDE, tag=f"beside:{name}", args=base)
    place = folder / "docker"
    shutil.copytree(ROOT / "docker", place, ignore=shutil.ignore_patterns("secrets", ".env"))
    subprocess.run(["sh", place / "secrets.sh"], check=True, timeout=30)
    text = (place / "compose.yaml").read_text()
    assert text.count("\nname: kerasd\n") == 1
    (place / "compose.yaml").write_text(text.replace("\nname: kerasd\n", "\n"))
    images = {name: {"image": f"beside:{name}"} for name in STAND_INS}
    (place / "stand-ins.yaml").write_text(yaml.safe_dump({"services": images}))
    settings = {
        "COMPOSE_PROFILES": profile, "KERASD_IMAGE": image, "KERASD_MODELS": str(models),
        "KERASD_WORKERS": "1",
    }  # fmt: skip
    project = Composed(engine, place, settings)
    try:
        yield project
    finally:
        project.run("down", "--volumes", "--timeout", "5")
