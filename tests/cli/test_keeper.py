"""The keeper of both halves: as the first process of a container it reaps what isn't its own."""

import os
import subprocess
import sys

from service.cli.keeper import Half, reap_strangers
from tests.running import wait_until


def test_strangers_are_reaped_and_our_own_keep_their_exit_codes() -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "from service.cli.keeper import reap_strangers\n"
        "ours = subprocess.Popen([sys.executable, '-c', 'raise SystemExit(7)'])\n"
        "stranger = os.fork()\n"
        "if not stranger: os._exit(3)\n"
        "os.waitid(os.P_PID, ours.pid, os.WEXITED | os.WNOWAIT)\n"
        "os.waitid(os.P_PID, stranger, os.WEXITED | os.WNOWAIT)\n"
        "reap_strangers({ours.pid})\n"
        "first = ours.wait()\n"
        "reap_strangers({ours.pid})\n"
        "print(first, os.path.exists(f'/proc/{stranger}'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["7", "False"]


def test_without_children_there_is_nothing_to_reap() -> None:
    code = "from service.cli.keeper import reap_strangers; reap_strangers(set())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_half_that_cannot_be_started_is_tried_again() -> None:
    half = Half("no")
    half.name = "no" * 200_000  # longer than the kernel takes an argument
    half.step(100.0)
    assert (half.is_running(), half.start_at, half.backoff_s) == (False, 100.2, 0.4)


def test_a_child_that_runs_is_left_alone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        reap_strangers({child.pid})
        assert child.poll() is None
    finally:
        child.communicate(b"\n")
    wait_until(lambda: not os.path.exists(f"/proc/{child.pid}"), "it is reaped", 10)
