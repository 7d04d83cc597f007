"""The master's end: how long it waits for a worker, and what cuts that short."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys, time
from itertools import count
from types import SimpleNamespace
from service.base.settings import Settings
from service.web.ending import Ending
from service.web.master import Master
from service.web.server import Server

end, takes_s, interrupts = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGQUIT))
worker = os.fork()
if not worker:
    while signal.sigwait((signal.SIGTERM, signal.SIGQUIT)) != end:
        pass
    time.sleep(takes_s)
    os.write(1, b"finished")
    os._exit(0)
master = Master(Server(Settings()), Ending())
master.WORKERS[worker] = SimpleNamespace(pid=worker, tmp=open(os.devnull), slot=None)
for _ in range(interrupts):
    master.SIG_QUEUE.put(signal.SIGINT)
hours = count()
time.time = lambda: 3600.0 * next(hours)
master.stop()
"""


def end(number: int, takes_s: float, interrupts: int) -> str:
    """What a worker says that ends so long after this signal; each look at the wall clock finds an
    hour gone."""
    command = [sys.executable, "-c", SCRIPT, str(number), str(takes_s), str(interrupts)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout


def test_a_clock_that_is_set_forward_kills_nobody() -> None:
    assert end(15, takes_s=0.5, interrupts=0) == "finished"


def test_an_interrupt_ends_the_draining_and_leaves_the_time_to_finish() -> None:
    assert end(3, takes_s=2.5, interrupts=1) == "finished"


def test_the_next_interrupt_waits_for_nothing() -> None:
    before = time.monotonic()
    assert end(3, takes_s=30, interrupts=2) == ""
    assert time.monotonic() - before < 20
