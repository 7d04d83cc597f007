"""What follows when a job's program has ended without having ended its job: again, or failed."""

import errno
import os
import signal
from dataclasses import dataclass

import orjson

from service.jobs import exits
from service.jobs.executor import Status

BACKOFF_S = (1.0, 5.0, 30.0, 120.0, 600.0)
TOLD_CHARACTERS = 500
NO_SPACE = os.strerror(errno.ENOSPC)  # libraries in C and C++ say it without the number
DISK_FULL = (
    "the disk is full: there is no room for the job's files; free some, then ask for it again"
)
# Its own doing, and the same the next time.
LIMITS_MET = {"SIGXFSZ": "it wrote a file larger than it may"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an attempt ended, and whether the next one may go better."""

    why: str
    may_pass: bool


def judge(status: Status, log: str) -> Verdict:
    """How to take the end of a program that left its job's row as it was.

    A signal comes from outside, or from a crash that may not come twice; another exit code is the
    program's own word, and it would say it again.
    """
    if status.code == exits.FULL or (status.code != exits.DONE and NO_SPACE in log):
        return Verdict(DISK_FULL, may_pass=False)
    if status.code == exits.AGAIN:
        return Verdict("the database was away", may_pass=True)
    if status.code == exits.LATER:
        return Verdict(_last_line(log, status), may_pass=True)
    if status.code == exits.DONE:
        return Verdict("it ended without a word", may_pass=True)
    if status.code > 0:
        return Verdict(f"its program failed: {_last_line(log, status)}", may_pass=False)
    name = _name_of(-status.code)
    if name in LIMITS_MET:
        return Verdict(f"{LIMITS_MET[name]} ({name})", may_pass=False)
    return Verdict(f"its process was killed by {name}", may_pass=True)


def retry_at(failures: int, most: int, now: float) -> float | None:
    """When the next attempt may begin after one more that came to nothing; none if there is none.

    `failures` are those before this one since the job last saved what it had done.
    """
    if failures + 1 >= most:
        return None
    return now + BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]


def _name_of(number: int) -> str:
    """What a signal is called; most of those of real time have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(log: str, status: Status) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = _said(lines[-1]) if lines else status.why or f"exit code {status.code}"
    return last[-TOLD_CHARACTERS:]


def _said(line: str) -> str:
    """What a line of the log says for people: where it is JSON, the last words of it."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return line
    told = record.get("exception") or record.get("event") if isinstance(record, dict) else None
    return str(told or line).strip().rpartition("\n")[2]
