"""A Docker engine of the tests' own: Debian's, with a socket, data, processes and network apart.

It lies in `.images/`, where layers are kept from run to run. It writes no firewall rules, switches
no forwarding on and has no default bridge, so that nothing else on the machine notices it: builds
use the machine's network, containers a bridge that goes with the engine.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import ROOT
from tests.running import wait_until

FOLDER = ROOT / ".images"
CLIENT = Path("/usr/bin/docker")  # others in PATH may want plugins that Debian hasn't
DAEMON = Path("/usr/sbin/dockerd")
NETWORK = "lan"
START_S = 60.0
COMMAND_S = 120.0
BUILD_S = 900.0
OTHERS_S = 1200.0  # so long may somebody else's tests take, who use the folder
TAIL = 4000
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def missing() -> str:
    """Why there can be no engine; empty where there can."""
    if os.geteuid() != 0:
        return "not root: no Docker engine can be started"
    for program in (CLIENT, DAEMON):
        if not program.is_file():
            return f"no {program}: apt-get install docker.io"
    if shutil.which("mmdebstrap") is None:
        return "no mmdebstrap: apt-get install mmdebstrap"
    return ""


class DockerFailed(AssertionError):
    """A docker command that ended with an error; its text is what the command said."""


class Engine:
    """What tests ask of a running engine; every method is one `docker` command."""

    def __init__(self, socket: Path) -> None:
        self.host = f"unix://{socket}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which docker and docker-compose speak to this engine."""
        return {**os.environ, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "1",
                "COMPOSE_DOCKER_CLI_BUILD": "1"}  # fmt: skip

    def docker(self, *args: str, timeout_s: float = COMMAND_S) -> str:
        """What a command prints. Raises DockerFailed with what it says."""
        ended = subprocess.run(
            [str(CLIENT), *args],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout_s,
        )  # fmt: skip
        if ended.returncode:
            said = f"{ended.stdout}{ended.stderr}"[-TAIL:]
            raise DockerFailed(f"docker {' '.join(args)}: exit code {ended.returncode}\n{said}")
        return ended.stdout.rstrip("\n")

    def build(
        self,
        target: str = "",
        context: Path = ROOT,
        tag: str = "",
        file: Path | None = None,
        args: Mapping[str, str] | None = None,
    ) -> str:
        """Build a target of a Dockerfile (the last one where none is named); the image's tag."""
        tag = tag or f"kerasd:{target or 'latest'}"
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        command = ["build", "--network", "host", "--progress", "plain", "--tag", tag]
        command += ["--target", target] if target else []
        command += ["--file", str(file)] if file is not None else []
        for name, value in {**proxies, **(args or {})}.items():
            command += ["--build-arg", f"{name}={value}"]
        self.docker(*command, str(context), timeout_s=BUILD_S)
        return tag

    def run(self, *args: str) -> str:
        """Start a container in the background: options, image, command; the container's id."""
        return self.docker("run", "--detach", "--network", NETWORK, *args)

    def run_once(self, *args: str) -> str:
        """Run a container to its end; what it prints."""
        return self.docker("run", "--rm", "--network", NETWORK, *args)

    def exec(self, container: str, *command: str) -> str:
        """Run a command in a running container; what it prints."""
        return self.docker("exec", container, *command)

    def inspect(self, name: str, form: str) -> str:
        """One value of a container or image, by a Go template such as `{{.State.Status}}`."""
        return self.docker("inspect", "--format", form, name)

    def address(self, container: str, network: str = NETWORK) -> str:
        """The container's IP address, which this machine reaches."""
        form = (
            f'{{{{with index .NetworkSettings.Networks "{network}"}}}}{{{{.IPAddress}}}}{{{{end}}}}'
        )
        return self.inspect(container, form)

    def health(self, container: str) -> str:
        """What the container's HEALTHCHECK says: starting, healthy or unhealthy."""
        return self.inspect(container, "{{.State.Health.Status}}")

    def logs(self, container: str) -> str:
        """All that the container has written, both streams in order of time."""
        ended = subprocess.run(
            [str(CLIENT), "logs", container],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=COMMAND_S,
        )  # fmt: skip
        return ended.stdout

    def stop(self, container: str, grace_s: int = 60) -> int:
        """SIGTERM, after the grace period SIGKILL; the exit code."""
        self.docker("stop", "--time", str(grace_s), container, timeout_s=grace_s + COMMAND_S)
        return int(self.inspect(container, "{{.State.ExitCode}}"))

    def remove(self, *containers: str) -> None:
        """End containers at once and remove them with their unnamed volumes."""
        self.docker("rm", "--force", "--volumes", *containers)

    def clear(self) -> None:
        """Remove every container, unnamed volume and network; images stay."""
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.remove(*containers)
        self.docker("volume", "prune", "--force")
        self.docker("network", "prune", "--force")


@contextmanager
def running_engine(folder: Path = FOLDER) -> Iterator[Engine]:
    """The engine over the folder's data, one at a time; it ends with all that it started."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="kd-") as short:
        wait_until(lambda: _is_ours(lock.fileno()), f"{folder} is free", OTHERS_S)
        engine = Engine(Path(short) / "socket")
        daemon = _start(folder, Path(short), engine.host)
        try:
            wait_until(lambda: _answers(engine, daemon, folder), "the engine answers", START_S)
            engine.clear()  # what one that was killed has left
            engine.docker("network", "create", NETWORK)
            yield engine
        finally:
            with suppress(DockerFailed, subprocess.TimeoutExpired):
                engine.clear()  # an engine that ends leaves its bridges to the machine
            _end(daemon)


def _is_ours(lock: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _start(folder: Path, short: Path, host: str) -> "subprocess.Popen[bytes]":
    """The daemon ends in good order when these tests are killed; sockets need a short path."""
    places = ["--data-root", str(folder / "data"), "--exec-root", str(short / "exec"),
              "--pidfile", str(folder / "dockerd.pid"), "--host", host]  # fmt: skip
    quiet = ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
             "--bridge=none", "--log-level=warn", f"--config-file={short}/none.json"]  # fmt: skip
    (short / "none.json").write_text("{}")  # the machine's own configuration isn't this one's
    (folder / "dockerd.pid").unlink(missing_ok=True)  # of one that was killed: the lock is ours
    with (folder / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", str(DAEMON), *places, *quiet],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _answers(engine: Engine, daemon: "subprocess.Popen[bytes]", folder: Path) -> bool:
    log = folder / "dockerd.log"
    assert daemon.poll() is None, f"the engine has ended: {log.read_text()[-TAIL:]}"
    with suppress(DockerFailed):
        engine.docker("version")
        return True
    return False


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(START_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
