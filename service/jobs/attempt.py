"""One attempt of a job as the program that runs it sees it: it shows that it lives, asks whether it
may go on, and tells what it does.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from service.base.database_errors import database_words
from service.base.errors import DatabaseAway
from service.base.job_errors import Cancelled, Superseded
from service.jobs.job import Job, JobState
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

LEASE_S = 30.0
BEATS_A_LEASE = 5
NEWS_EVERY_S = 1.0  # progress is told so often at most
PATIENCE_S = 600.0  # a database may be away for so long before the attempt ends
PAUSE_S = 1.0

Answer = TypeVar("Answer")


class Attempt:
    """The right to work on a job, until a later attempt begins or the job is cancelled.

    As a context it beats in a thread of its own, a few times in each lease, and oftener while there
    is progress to tell. Whatever it writes is
    refused by the database once it is superseded; `check` comes before what is written elsewhere:
    checkpoints and versions.
    """

    def __init__(
        self,
        store: JobStore,
        job: Job,
        folder: Path,
        clock: Callable[[], float] = time.time,
        lease_s: float = LEASE_S,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.job = job
        self.folder = folder
        self.number = job.attempt
        self._store = store
        self._clock = clock
        self._beat_every_s = lease_s / BEATS_A_LEASE
        self._progress: dict[str, Any] = dict(job.progress)
        self._is_news = False
        self._lock = threading.Lock()  # around the two above
        self._turn = threading.Lock()  # around a beat: older progress never follows newer
        self._over: Cancelled | Superseded | None = None
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop beating; safe to call again."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_stopped(self) -> bool:
        """Whether the job was cancelled or superseded, as of the last beat; costs nothing."""
        return self._over is not None

    def check(self) -> None:
        """Ask the database whether this attempt may go on: before anything is written for good.

        Waits for a database that is away. Raises Superseded or Cancelled, and DatabaseAway when it
        doesn't come back.
        """
        self._patiently(self.beat)
        if self._over is not None:
            raise self._over

    def beat(self) -> None:
        """Show that it lives, with the progress that hasn't been told; notes whether it is over."""
        with self._turn:
            with self._lock:
                told = dict(self._progress) if self._is_news else None
                self._is_news = False
            try:
                is_cancelled = self._store.beat(self.job.id, self.number, self._clock(), told)
            except Superseded as error:
                self._over = error
                return
            except BaseException:
                with self._lock:
                    self._is_news = self._is_news or told is not None
                raise
            if is_cancelled and self._over is None:
                self._over = Cancelled(self.job.id)

    def progress(self, **fields: Any) -> None:
        """Note how far it is; told with the next beat."""
        with self._lock:
            self._progress.update(fields)
            self._is_news = True

    def event(self, kind: str, **body: Any) -> int:
        """Tell what has happened; its number. Raises Superseded."""
        return self._patiently(
            lambda: self._store.add_event(self.job.id, self.number, kind, body, self._clock())
        )

    def saved(self) -> None:
        """Note that all that was done until now is kept, for the next attempt to go on from there.

        From here on a job has all its attempts again. Raises Superseded.
        """
        self._patiently(lambda: self._store.saved(self.job.id, self.number))

    def advance(self, state: JobState) -> None:
        """Go to another state in which the job still runs. Raises Superseded."""
        self._patiently(lambda: self._store.advance(self.job.id, self.number, state, self._clock()))

    def finish(self, state: JobState, result: Mapping[str, Any], error: str = "") -> None:
        """End the job, with its last progress. Raises Superseded."""
        self._patiently(self.beat)
        self._patiently(
            lambda: self._store.finish(
                self.job.id, self.number, state, self._clock(), result, error
            )
        )

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the database, again and again while it is away. Raises DatabaseAway in the end."""
        give_up_at = self._clock() + PATIENCE_S
        while True:
            try:
                return ask()
            except SQLAlchemyError as error:
                if self._clock() >= give_up_at:
                    raise DatabaseAway from error
                logger.warning("database not usable", extra={"why": database_words(error)})
                self._pause(PAUSE_S)

    def _beat_on(self) -> None:
        due_at = time.monotonic() + self._beat_every_s
        while not self._closing.wait(min(self._beat_every_s, NEWS_EVERY_S)):
            if not self._is_news and time.monotonic() < due_at:
                continue
            due_at = time.monotonic() + self._beat_every_s
            try:
                self.beat()
            except SQLAlchemyError as error:
                logger.warning("database not usable", extra={"why": database_words(error)})
            except Exception:  # the thread must live on, whatever one beat has met
                logger.exception("beat failed")
