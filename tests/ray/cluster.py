"""A Ray cluster on this machine: each node with a network and processes of its own, as on others.

The nodes are joined by a bridge in the head's namespace, so that nothing of it is to be seen on the
machine, and all of it ends with its processes. Who isn't root makes the namespaces below one of
users.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.lacking import lacking
from tests.running import wait_until

BIN = ROOT / ".ray" / "bin"
HEAD, GCS, DASHBOARD = "10.77.0.1", 6379, 8265
STORE_BYTES = 80 * 1024**2
ROOM_BYTES = 64 * 1024**3  # a number that Ray counts with, not memory
READY_S = 120.0
# The head finds a node that is gone within some seconds instead of up to a minute.
QUICK = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
}
IS_ROOT = os.geteuid() == 0
ALONE = ["unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"]
OF_USERS = [] if IS_ROOT else ["--user", "--map-root-user"]
# A node's files go with it; it waits for its network. Ray becomes the first process of the
# namespace: when that one ends, the kernel kills all others.
BEGIN = 'mount -t tmpfs tmpfs "$0" && ip link set lo up && read _ && exec "$@"'


def missing() -> str:
    """Why there can be no cluster; empty where there can."""
    if not (BIN / "ray").exists():
        return "no Ray: make .ray/installed"
    for program in ("unshare", "nsenter", "setpriv", "ip"):
        if shutil.which(program) is None:
            return f"no {program}: apt-get install util-linux iproute2"
    bridge = ["ip", "link", "add", "lan", "type", "bridge"]
    tried = subprocess.run([*ALONE, *OF_USERS, *bridge], capture_output=True, text=True)
    return f"no namespaces with a bridge: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def running_cluster() -> Iterator["Cluster"]:
    """A head without room for jobs."""
    reason = missing()
    if reason:
        lacking(reason)
    folder = Path(tempfile.mkdtemp(prefix="kerasd-ray-"))
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder)


class Node:
    """The processes of one machine, in the namespaces of the first of them."""

    def __init__(self, name: str, folder: Path, command: Sequence[str], token: str) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token,
            "RAY_USAGE_STATS_ENABLED": "0",
            **QUICK,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        wait_until(lambda: self.first is not None, f"{name} is there", READY_S)

    @property
    def first(self) -> int | None:
        """The first process of the namespaces, as seen from outside."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        is_begun = children and Path(f"/proc/{children[0]}/comm").read_text() != "unshare\n"
        return int(children[0]) if is_begun else None

    def joined(self, *command: str) -> list[str]:
        """A command that runs in this node's network, and outside of it in all else."""
        as_who = [] if IS_ROOT else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.first), "--net", *as_who, *command]

    def begin(self) -> None:
        """Have Ray start, now that there is a network."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.close()

    def wait_ready(self) -> None:
        """Wait until Ray says that it has started."""
        wait_until(self._is_ready, f"{self.name} is ready; see {self._log}", READY_S)

    def _is_ready(self) -> bool:
        text = self._log.read_text()
        assert self._process.poll() is None, text[-3000:]
        return "Ray runtime started" in text

    def kill(self) -> None:
        """Every process at once, as by a power cut."""
        self._process.kill()
        self._process.wait()


class Cluster:
    """A head, and nodes that can be added, killed and cut off."""

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_hex(16)
        self.url = f"http://{HEAD}:{DASHBOARD}"
        self._folder = folder
        self._temporary = folder / "t"  # short: sockets lie below it
        self._temporary.mkdir()
        self._nodes: list[Node] = []
        self.head = self._node("head", [
            "--head", "--node-ip-address", HEAD, "--port", str(GCS), "--num-cpus", "0",
            "--dashboard-host", HEAD, "--dashboard-port", str(DASHBOARD),
            "--temp-dir", str(self._temporary),
        ])  # fmt: skip
        self._configure("ip", "link", "add", "lan", "type", "bridge")
        self._configure("ip", "address", "add", f"{HEAD}/24", "dev", "lan")
        self._configure("ip", "link", "set", "lan", "up")
        self.head.begin()

    def add(self, name: str, processors: int) -> Node:
        """A node with room for so many threads of jobs; it joins in a few seconds."""
        address = f"10.77.0.{len(self._nodes) + 1}"
        node = self._node(name, [
            "--address", f"{HEAD}:{GCS}", "--node-ip-address", address,
            "--num-cpus", str(processors),
        ])  # fmt: skip
        there = ("peer", "name", "eth0", "netns", str(node.first))
        self._configure("ip", "link", "add", "name", name, "type", "veth", *there)
        self._configure("ip", "link", "set", "dev", name, "master", "lan", "up")
        _run(node.joined("ip", "address", "add", f"{address}/24", "dev", "eth0"))
        _run(node.joined("ip", "link", "set", "eth0", "up"))
        node.begin()
        return node

    def cut(self, node: Node) -> None:
        """Pull its cable: it lives on, and nobody hears of it."""
        self._configure("ip", "link", "set", "dev", node.name, "down")

    def close(self) -> None:
        for node in reversed(self._nodes):
            node.kill()

    def _node(self, name: str, options: list[str]) -> Node:
        ray = [
            str(BIN / "ray"), "start", "--block", *options, "--memory", str(ROOM_BYTES),
            "--object-store-memory", str(STORE_BYTES),
        ]  # fmt: skip
        alone = [*ALONE, "sh", "-c", BEGIN, str(self._temporary), *ray]
        if self._nodes:
            users = [] if IS_ROOT else ["--user", "--preserve-credentials"]
            below = ["nsenter", "--target", str(self._nodes[0].first), *users] if users else []
            command = [*below, *alone]
        else:
            command = [*alone[:1], *OF_USERS, *alone[1:]]
        node = Node(name, self._folder, command, self.token)
        self._nodes.append(node)
        return node

    def _configure(self, *command: str) -> None:
        _run(self.head.joined(*command))


def _run(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, (command, ran.stderr)
