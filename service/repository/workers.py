"""The workers that serve one repository: which of them live, and how each reports what it holds."""

import logging
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.repository.states import Held, WorkerRecord
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

BEAT_S = 2.0
DEAD_AFTER_S = 30.0  # long: a worker doesn't report while it loads a large model
ENDED = ("Z", "X")  # zombies and dead ones, in /proc's letters


@dataclass(frozen=True, slots=True)
class WorkerName:
    """A process that no other is named like: `host/namespace:pid:start`.

    A container's processes get the same numbers again when it is started anew, on a host of the
    same name; the namespace and the start tell them apart.
    """

    place: str
    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The name of a process of this place; without a start where there is no /proc."""
        return cls(_place(), pid, _start_of(pid))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name out of its text."""
        place, pid, start = text.rsplit(":", 2)
        return cls(place, int(pid), start)

    def __str__(self) -> str:
        return f"{self.place}:{self.pid}:{self.start}"

    def spoken(self) -> str:
        """The name for people."""
        return f"worker {self.pid} on {self.place.partition('/')[0]}"

    def is_here(self) -> bool:
        """True for a process that this one could look at."""
        return self.place == _place()


def is_alive(record: WorkerRecord, wall_now: float) -> bool:
    """Whether a worker lives: the kernel knows it here, its last report tells it elsewhere.

    Hosts that share a database need clocks that agree within some seconds.
    """
    name = WorkerName.parse(record.worker)
    if name.start and name.is_here():
        return _start_of(name.pid) == name.start
    return wall_now - record.beat < DEAD_AFTER_S


def may_run(name: str) -> bool:
    """Whether a process may live that may be no worker: false only for one of this place.

    Of one elsewhere, such as a job's on another machine, nobody here can know.
    """
    process = WorkerName.parse(name)
    is_known = bool(process.start) and process.is_here()
    return not is_known or _start_of(process.pid) == process.start


def live_workers(store: VersionStore, wall_now: float, model: str = "") -> list[WorkerRecord]:
    """The workers that live, with what they hold of one model or of all.

    What is recorded of others is removed by whoever notices.
    """
    live = []
    for record in store.workers(model):
        if is_alive(record, wall_now):
            live.append(record)
            continue
        logger.info("worker gone", extra={"worker": record.worker})
        try:
            store.forget(record.worker)
        except sqlalchemy.exc.SQLAlchemyError:  # left for the next who looks
            logger.debug("can't forget a worker", extra={"worker": record.worker})
    return live


class Reporter:
    """Writes what one worker holds when it changes, and now and then as a sign of life."""

    def __init__(self, store: VersionStore, name: WorkerName) -> None:
        self.name = name
        self._store = store
        self._told: WorkerRecord | None = None
        self._next_at = 0.0
        self._is_failing = False

    def announce(self, now: float) -> None:
        """Have the others know of this worker before its first look; the look tells of trouble."""
        if not self.is_known:
            self._write(WorkerRecord(str(self.name)), now)

    def tell(self, held: list[Held], seen: dict[str, int], now: float) -> None:
        """Write it if there is news or it is time; a database that can't be written can wait."""
        record = WorkerRecord(str(self.name), tuple(held), seen)
        is_news = record != self._told and not self._is_failing
        if self.is_known and not is_news and now < self._next_at:
            return
        why = self._write(record, now)
        if why and not self._is_failing:
            logger.warning("this worker can't report what it holds", extra={"why": why})
        self._is_failing = bool(why)

    @property
    def is_known(self) -> bool:
        """True once the others could see this worker; until then it tries at each look."""
        return self._told is not None

    def leave(self) -> None:
        """Take the report back: this worker ends."""
        try:
            self._store.forget(str(self.name))
        except sqlalchemy.exc.SQLAlchemyError as error:
            logger.debug("can't take the report back", extra={"why": database_words(error)})

    def _write(self, record: WorkerRecord, now: float) -> str:
        """Why it can't be written; empty when it was."""
        self._next_at = now + BEAT_S  # for a failure, too: each attempt may wait for a lock
        try:
            self._store.report(replace(record, beat=time.time()))
        except sqlalchemy.exc.SQLAlchemyError as error:
            return database_words(error)
        self._told = record
        return ""


def _place() -> str:
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}"


def _start_of(pid: int) -> str:
    """When a process of this place began, in ticks since the boot; empty when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rsplit(")", 1)[1].split()
    return "" if state in ENDED else fields[18]
