"""A process and all that it started, read from /proc: processor time, memory, and their end."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ENDED = "ZX"
PATIENCE_S = 12.0


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; the start time tells a reused id from the same process."""

    id: int
    state: str
    parent: int
    session: int
    started: int
    cpu_s: float


def tree(root: int) -> list[Process]:
    """The root, its descendants, and whoever else lives in the session that it leads."""
    table = list(_table())
    found = {process.id for process in table if root in (process.id, process.session)}
    grown = True
    while grown:
        more = {process.id for process in table if process.parent in found} - found
        found |= more
        grown = bool(more)
    return [process for process in table if process.id in found]


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, with that of its children that have ended."""
    return sum(process.cpu_s for process in tree(root))


def cpu_seconds_of_others(root: int) -> float:
    """What the machine used up without the tree, this process and its ended children."""
    # The line begins with "cpu"; guests' time, at the end, is part of the user time.
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) / TICKS_PER_S - cpu_seconds(root) - sum(os.times()[:4])


def resident_mb(root: int) -> float:
    """Memory of the tree, a page that several processes share counted once."""
    return sum(_resident_kb(process.id) for process in tree(root)) / 1024


def own_mb(process_id: int) -> float:
    """Memory of one process, a page that it shares counted in part."""
    return _resident_kb(process_id) / 1024


@contextmanager
def running(
    command: list[str], environment: dict[str, str], folder: Path, output: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in a session of its own; at the end nothing of that tree is left."""
    child = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask the process to stop, wait, and kill what is left of its tree."""
    known = {(process.id, process.started) for process in tree(child.pid)}
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline and (child.poll() is None or _left(child.pid, known)):
            time.sleep(0.05)
    finally:  # an impatient second Ctrl-C ends the waiting, not the killing
        for process in _left(child.pid, known):
            with suppress(ProcessLookupError):
                os.kill(process.id, signal.SIGKILL)
        child.wait()


def _left(root: int, known: set[tuple[int, int]]) -> list[Process]:
    """Who still runs: the tree, and those known from it, even where they have left it since."""
    ids = {process.id for process in tree(root)}
    return [
        process
        for process in _table()
        if (process.id in ids or (process.id, process.started) in known)
        and process.state not in ENDED
    ]


def _table() -> Iterator[Process]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            # A process may end between the listing and the reading.
            with suppress(FileNotFoundError, ProcessLookupError):
                yield _parse(int(entry), Path(f"/proc/{entry}/stat").read_text())


def _parse(process_id: int, line: str) -> Process:
    # The second field is the command in brackets and may hold spaces and brackets itself.
    fields = line[line.rindex(")") + 2 :].split()
    return Process(
        id=process_id,
        state=fields[0],
        parent=int(fields[1]),
        session=int(fields[3]),
        started=int(fields[19]),
        cpu_s=sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S,
    )


def _resident_kb(process_id: int) -> int:
    for file, key in (("smaps_rollup", "Pss"), ("status", "VmRSS")):
        with suppress(OSError):
            found = re.search(
                rf"^{key}:\s+(\d+)", Path(f"/proc/{process_id}/{file}").read_text(), re.M
            )
            if found:
                return int(found[1])
    return 0
