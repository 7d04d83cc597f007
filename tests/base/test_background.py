"""Threads that nobody waits for at the end."""

import subprocess
import sys
import threading

import pytest

from service.base.background import begin, each

HANGS = """
import threading
from service.base.background import begin
begin(threading.Event().wait)
print("ended", flush=True)
"""


def test_what_comes_of_it_is_told() -> None:
    assert begin(lambda: 7).result(10) == 7
    with pytest.raises(ZeroDivisionError):
        begin(lambda: 1 // 0).result(10)


def test_results_are_in_order_and_so_many_are_at_work() -> None:
    at_work, most = 0, 0
    lock, gate = threading.Lock(), threading.Barrier(3)

    def work(item: int) -> int:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        gate.wait(10)
        with lock:
            at_work -= 1
        return item * 2

    assert each(work, range(9), 3) == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert most == 3
    assert each(work, [], 3) == []


def test_the_first_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        each(lambda item: 1 // item, [1, 0, 1], 2)


def test_a_process_ends_though_it_hangs() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, b"ended\n")
