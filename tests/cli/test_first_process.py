"""The keeper of a container's first process: signals, orphans and exit codes, really."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.running import processes, wait_until

Keeper = subprocess.Popen[str]

# Orphans come to a subreaper as they do to process 1.
BEGIN = """
import ctypes, signal, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)
from service.cli.first_process import go_on_in_child
go_on_in_child()
"""
LEAVES_ORPHANS = """
subprocess.run(["sh", "-c", "sleep 0.2 & sleep 0.2 & exec true"], check=True)
print(subprocess.run(["sh", "-c", "exit 7"]).returncode, flush=True)
time.sleep(60)
"""
LISTENS = """
def told(number, frame):
    print(number, flush=True)
    if number == signal.SIGTERM:
        sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, told)
print("ready", flush=True)
while True:
    time.sleep(60)
"""


@contextmanager
def kept(work: str) -> Iterator[Keeper]:
    """The keeper of a child that does some work; it has what the child prints."""
    command = [sys.executable, "-c", BEGIN + work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        try:
            yield keeper
        finally:
            for child in children(keeper) if keeper.poll() is None else ():
                os.kill(child, signal.SIGKILL)
            keeper.wait(20)


def children(keeper: Keeper) -> list[int]:
    return [pid for pid, parent, _ in processes() if parent == keeper.pid]


def line(keeper: Keeper) -> str:
    assert keeper.stdout is not None
    return keeper.stdout.readline().strip()


def test_orphans_are_reaped_and_nobody_elses_exit_code_is_taken() -> None:
    with kept(LEAVES_ORPHANS) as keeper:
        assert line(keeper) == "7"
        wait_until(lambda: len(children(keeper)) == 1, "only its child is left", 20)


def test_signals_are_passed_on_once_and_the_exit_code_is_the_childs() -> None:
    with kept(LISTENS) as keeper:
        assert line(keeper) == "ready"
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            keeper.send_signal(number)
            assert line(keeper) == str(int(number))
        assert keeper.wait(20) == 3
        assert line(keeper) == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_child_that_is_killed_is_told_of_as_shells_do(number: signal.Signals) -> None:
    with kept(LISTENS) as keeper:
        assert line(keeper) == "ready"
        (child,) = children(keeper)
        os.kill(child, number)
        assert keeper.wait(20) == 128 + number


def test_a_terminal_tells_the_keeper_alone() -> None:
    with kept(LISTENS) as keeper:
        assert line(keeper) == "ready"
        (child,) = children(keeper)
        assert os.getpgid(child) == child != os.getpgid(keeper.pid)
