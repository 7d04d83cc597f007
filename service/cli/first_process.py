"""The first process of a container: it passes signals on and reaps orphans, and that is all.

It runs as a program of its own, with nothing but these modules in memory.
"""

import os
import signal
import sys
from contextlib import suppress

PASSED_ON = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip


def leave_first_place() -> None:
    """Go on in a child where this is process 1; elsewhere, just go on.

    The kernel hands process 1 every orphan, and no signal that it has no handler for. Whoever has
    children of its own can't reap strangers without taking the exit codes of its own.
    """
    if os.getpid() == 1:
        go_on_in_child()


def go_on_in_child() -> None:
    """Return in a child; this process becomes its keeper. No signal is lost between the two."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = os.fork()
    if child:
        os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, str(child)])  # noqa: S606
    os.setpgid(0, 0)  # a terminal's Ctrl-C comes once, from the keeper
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def end_early() -> None:
    """End at SIGTERM until there is more to end: what is being imported needs no care."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def keep(child: int) -> int:
    """Pass signals on to the child until it ends; its exit code."""

    def pass_on(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):  # it has ended just now
            os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1])))
