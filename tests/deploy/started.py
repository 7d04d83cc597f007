"""A pod as processes of this machine: its arguments, its settings, its folders, its end.

What is mounted in the cluster lies in folders here, with Kubernetes' links; only the address is
another one.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from service.base.strict_json import Json
from tests.deploy.objects import of_kind, plain, pods
from tests.running import free_port, wait_until

MOUNTED = "..2026_11_26_05_00_00.1"
HERE = {"KERASD_HOST": "127.0.0.1", "KERASD_WORKERS": "2", "KERASD_LOG_LEVEL": "INFO"}


def mount_secret(folder: Path, files: Mapping[str, str]) -> None:
    """Lay files down as the kubelet does: behind two links, for owner and group to read."""
    (folder / MOUNTED).mkdir(parents=True)
    (folder / "..data").symlink_to(MOUNTED)
    for name, text in files.items():
        (folder / MOUNTED / name).write_text(text)
        (folder / MOUNTED / name).chmod(0o440)
        (folder / name).symlink_to(f"..data/{name}")


class StartedPod:
    """One container of the plain manifests, run with the places that it would have.

    `more` are the variables that a cluster takes out of Secrets.
    """

    def __init__(
        self, values: str, name: str, places: Mapping[str, str], log: Path, **more: str
    ) -> None:
        self._pod = pods(plain(values))[name]
        (container,) = self._pod["spec"]["containers"]
        self._container: Json = container
        self._log = log
        self._places = places
        self.port = free_port()
        told = {key: _here(value, places) for key, value in _told(values, container).items()}
        environment = {**os.environ, **told, **more, **HERE, "KERASD_PORT": str(self.port)}
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli.main", *container["args"]],
                env=environment, stdout=file, stderr=file,
            )  # fmt: skip

    @property
    def grace_s(self) -> float:
        """How long the kubelet would wait after SIGTERM."""
        return float(self._pod["spec"]["terminationGracePeriodSeconds"])

    def asks(self, probe: str) -> int:
        """The status that a probe gets; 0 when nobody answers in time."""
        asked = self._container[f"{probe}Probe"]
        path, probe_s = asked["httpGet"]["path"], asked["timeoutSeconds"]
        try:
            return requests.get(self.url(path), timeout=probe_s).status_code
        except (requests.ConnectionError, requests.Timeout):
            return 0

    def runs(self, probe: str) -> bool:
        """Whether a probe that runs a program in the container has nothing against it."""
        asked = self._container[f"{probe}Probe"]
        _, *arguments = (_here(word, self._places) for word in asked["exec"]["command"])
        ran = subprocess.run([sys.executable, *arguments], timeout=asked["timeoutSeconds"])
        return ran.returncode == 0

    def wait_ready(self) -> None:
        """Wait for the startup probe, as the kubelet does."""
        wait_until(lambda: self.asks("startup") == 200 or self._has_ended(), f"see {self._log}")
        assert not self._has_ended(), self.log()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def log(self) -> str:
        return self._log.read_text()[-3000:]

    def wait(self) -> int:
        """The exit code of a container that ends by itself."""
        return self.process.wait(120)

    def tell_to_end(self) -> float:
        """Send SIGTERM; when the kubelet would kill it."""
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic() + self.grace_s

    def kill(self) -> None:
        """End it for certain."""
        if not self._has_ended():
            self.process.terminate()
            self.process.wait(60)

    def _has_ended(self) -> bool:
        return self.process.poll() is not None


def _told(values: str, container: Json) -> dict[str, str]:
    maps = of_kind(plain(values), "ConfigMap")
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        told |= maps[source["configMapRef"]["name"]]["data"]
    return told | {one["name"]: one["value"] for one in container["env"] if "value" in one}


def _here(value: str, places: Mapping[str, str]) -> str:
    """A path or an address as what stands for it here; anything else as it is."""
    for place in sorted(places, key=len, reverse=True):
        if value == place or value.startswith(f"{place}/"):
            return places[place] + value.removeprefix(place)
    return value
