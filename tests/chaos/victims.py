"""The processes of a service, each kind by a name, and their deaths."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.running import RunningService

Find = Callable[[RunningService], list[int]]


def masters(service: RunningService) -> list[int]:
    """gunicorn's master."""
    return sorted(set(service.pids(" web ")) - set(service.workers()))


def busiest(service: RunningService) -> int:
    """The worker with the most connections: its trouble is felt by the most."""
    return max(service.workers(), key=_sockets)


def quietest(service: RunningService) -> int:
    """The worker with the fewest connections: the other one goes on being asked."""
    return min(service.workers(), key=_sockets)


VICTIMS: Mapping[str, Find] = {
    "worker": lambda service: service.workers(),
    "master": masters,
    "controller": lambda service: service.pids(" controller "),
    "tensorflow": lambda service: service.pids("tensorflow_server"),
    "child": lambda service: service.pids("loading.child"),
}


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Send a signal; false if the process has ended by itself meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def _sockets(pid: int) -> int:
    found = 0
    with suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found += handle.readlink().name.startswith("socket:")
    return found
