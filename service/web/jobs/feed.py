"""What is new of jobs, for all who watch in one worker: one thread looks, at a steady pace.

Many watchers of many jobs cost one look each half second in a thread of their own; nothing of it
waits for the threads that answer requests, nor on the event loop. Nobody is given anything before
asking for it, so that a client that reads slowly holds one piece and no queue.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import sqlalchemy.exc

from service.base.errors import DatabaseAway, KerasdError
from service.base.job_errors import JobNotFound
from service.jobs.ids import is_id
from service.jobs.job import Job, JobEvent
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

PACE_S = 0.5
LIMIT = 500  # events in one look; what is more comes with the next


@dataclass(frozen=True, slots=True)
class Look:
    """A job, and its next events after those that somebody has.

    The job was read before them: if it had ended by then, no event is added after these.
    """

    job: Job
    events: list[JobEvent]

    @property
    def is_last(self) -> bool:
        """True when nothing will come after this."""
        return self.job.is_ended and len(self.events) < LIMIT


@dataclass(slots=True, eq=False)
class _Waiter:
    job: str
    after: int
    seen: Job
    found: "asyncio.Future[Look]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def is_told_by(self, look: Look) -> bool:
        """True for what is new to it: events, another state, progress."""
        return bool(look.events) or look.is_last or _shown(look.job) != _shown(self.seen)


Read = Callable[[str, int, int], Look]
"""What there is of a job after a number, so many events at most; raises JobNotFound."""


def reader(store: JobStore) -> Read:
    """Looks into the table; the job is read first."""

    def read(job: str, after: int, limit: int) -> Look:
        if not is_id(job):
            raise JobNotFound(job)
        found = store.get(job)
        return Look(found, store.events(job, after, limit))

    return read


class Feed:
    """One worker's; `read` is called in the one thread."""

    def __init__(self, read: Read, pace_s: float = PACE_S) -> None:
        self._read = read
        self._pace_s = pace_s
        self._thread = ThreadPoolExecutor(1, "watch")
        self._waiters: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None

    async def first(self, job: str, after: int) -> Look:
        """What there is now. Raises JobNotFound, DatabaseAway."""
        found = (await self._look([(job, after)]))[job, after]
        if isinstance(found, Look):
            return found
        raise found

    async def next(self, job: str, after: int, seen: Job) -> Look:
        """What is new, as soon as there is any, to somebody who has seen the job like this.

        Raises JobNotFound, DatabaseAway.
        """
        waiter = _Waiter(job, after, seen)
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            return await waiter.found
        finally:
            self._waiters.discard(waiter)

    def close(self) -> None:
        """End the thread; on the event loop."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        """Look again and again, until nobody watches."""
        while True:
            await asyncio.sleep(self._pace_s)
            if not self._waiters:
                return
            try:
                found = await self._look({(one.job, one.after) for one in self._waiters})
            except Exception:  # whoever watches hears of it when it comes again
                logger.exception("events can't be read")
                continue
            for waiter in self._waiters:
                self._tell(waiter, found.get((waiter.job, waiter.after)))

    def _tell(self, waiter: _Waiter, found: Look | KerasdError | None) -> None:
        if found is None or waiter.found.done():  # it came while others were looked for, or left
            return
        if isinstance(found, KerasdError):
            waiter.found.set_exception(found)
        elif waiter.is_told_by(found):
            waiter.found.set_result(found)

    async def _look(
        self, asked: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], Look | KerasdError]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read_all, sorted(asked))

    def _read_all(self, asked: list[tuple[str, int]]) -> dict[tuple[str, int], Look | KerasdError]:
        found: dict[tuple[str, int], Look | KerasdError] = {}
        for job, after in asked:
            try:
                found[job, after] = self._read(job, after, LIMIT)
            except KerasdError as error:
                found[job, after] = error
            except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
                found[job, after] = DatabaseAway()
        return found


def _shown(job: Job) -> object:
    return job.state, job.attempt, job.is_cancel_asked, job.progress
