"""The clients that watch jobs: each a stream of events on the event loop, so many at a time.

A stream ends when its job has, when its client leaves, and after some minutes in any case: a client
that comes again goes on where it was, and shows its key anew.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.base.errors import KerasdError
from service.base.http_errors import WatchersFull
from service.base.job_errors import JobNotFound
from service.jobs.job import Job
from service.jobs.record import brief_record
from service.web.access.access import check_model
from service.web.access.caller import Caller
from service.web.jobs.event_text import ALIVE, RETRY, STREAM, event_text, text
from service.web.jobs.feed import Feed, Look
from service.web.turn import Receive, Send

Fields = list[tuple[str, str]]

HEADERS = [
    (b"content-type", STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back
]


@dataclass(frozen=True, slots=True)
class Patience:
    """After how much silence a comment is sent, and how long a stream lasts, in seconds."""

    silence_s: float = 15.0
    longest_s: float = 300.0


def check_watcher(caller: Caller, job: Job | None) -> None:
    """Raise Forbidden if a caller isn't to see the job, or to know that there is none."""
    check_model(caller, "" if job is None else job.model)


class Watchers:
    """One worker's."""

    def __init__(self, feed: Feed, most: int, patience: Patience = Patience()) -> None:
        self._feed = feed
        self._most = most
        self._patience = patience
        self.count = 0

    async def open(self, job: str, after: int, check: Callable[[Job | None], None]) -> "Stream":
        """A place, and what there is of the job now; the stream must be run.

        `check` raises where the client may not see the job, or not hear that there is none. Raises
        WatchersFull, JobNotFound, DatabaseAway.
        """
        if self.count >= self._most:
            raise WatchersFull(self._most)
        self.count += 1
        try:
            first = await self._feed.first(job, after)
            check(first.job)
        except JobNotFound:
            self._leave()
            check(None)
            raise
        except BaseException:
            self._leave()
            raise
        return Stream(self._feed, after, first, self._patience, self._leave)

    def close(self) -> None:
        """End what was started."""
        self._feed.close()

    def _leave(self) -> None:
        self.count -= 1


class Stream:
    """One client's, from its first event to its last."""

    def __init__(
        self, feed: Feed, after: int, first: Look, patience: Patience, done: Callable[[], None]
    ) -> None:
        self._feed = feed
        self._after = after
        self._look = first
        self._patience = patience
        self._done = done

    @property
    def status(self) -> int:
        """204 for a client that has all of a job that has ended: browsers come no more then."""
        is_over = self._look.is_last and not self._look.events and self._after > 0
        return 204 if is_over else 200

    async def run(self, receive: Receive, send: Send, fields: Fields) -> None:
        """Send what there is and what comes; the place is free when this returns."""
        gone = asyncio.ensure_future(_hear_leaving(receive))
        try:
            own = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields]
            fixed = HEADERS if self.status == 200 else []
            head = {"status": self.status, "headers": fixed + own}
            await send({"type": "http.response.start", **head})
            if self.status == 200:
                await _say(send, RETRY)
                await self._pour(send, gone)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._done()

    async def _pour(self, send: Send, gone: "asyncio.Future[None]") -> None:
        end_at = time.monotonic() + self._patience.longest_s
        look: Look | None = self._look
        while look is not None and not gone.done():
            await _say(send, self._text(look))
            if look.is_last:
                return
            look = await self._wait(look.job, end_at, send, gone)

    def _text(self, look: Look) -> bytes:
        """The events, then how the job stands, which has no id: it is always the latest."""
        if look.events:
            self._after = look.events[-1].number
        name = "end" if look.is_last else "job"
        return b"".join(map(event_text, look.events)) + text(name, brief_record(look.job))

    async def _wait(
        self, seen: Job, end_at: float, send: Send, gone: "asyncio.Future[None]"
    ) -> Look | None:
        """What is new; none when the client has left, or is to come again."""
        coming = asyncio.ensure_future(self._feed.next(self._look.job.id, self._after, seen))
        try:
            while (left_s := end_at - time.monotonic()) > 0:
                within_s = min(self._patience.silence_s, left_s)
                first = asyncio.FIRST_COMPLETED
                await asyncio.wait((coming, gone), timeout=within_s, return_when=first)
                if gone.done():
                    return None
                if coming.done():
                    return _taken(coming)
                await _say(send, ALIVE)
            return None
        finally:
            if not coming.cancel():
                coming.exception()  # looked at, whatever it is


def _taken(coming: "asyncio.Future[Look]") -> Look | None:
    """None where it can't be read just now, or was deleted: the client comes again, and is told."""
    try:
        return coming.result()
    except KerasdError:
        return None


async def _say(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def _hear_leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
