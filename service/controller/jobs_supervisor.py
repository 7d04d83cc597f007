"""Claims jobs, has them run, and sees to it that each one ends, whatever happens to its program."""

import errno
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from service.base.job_errors import Superseded
from service.controller.job_program import Command
from service.controller.retries import DISK_FULL, judge, retry_at
from service.jobs.executor import Executor, Phase, Status
from service.jobs.ids import attempt_key
from service.jobs.job import Job
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

LOG_TAIL = 4000
REFUSED_PAUSE_S = 30.0, 600.0  # nothing is begun for so long while an executor takes nothing
NO_ROOM_YET = "waiting for room"
FULL = (errno.ENOSPC, errno.EDQUOT)


class Program(Protocol):
    """What is run for a job."""

    def command(self, job: Job) -> Command: ...

    def clean(self, job: Job) -> None: ...


@dataclass(frozen=True, slots=True)
class SupervisorLimits:
    """How many jobs run at once, how often one is begun, and how long each may be silent, take,
    and take to end; times in seconds.

    Of silence `start_s` is for a program that hasn't shown itself yet, and `seen_s` for one that is
    seen to run: where others need every processor, one of the lowest priority gets next to nothing,
    and tells nothing, but isn't lost.
    """

    at_once: int
    attempts: int
    lease_s: float
    timeout_s: float
    grace_s: float = 30
    start_s: float = 180
    seen_s: float = 600


@dataclass(slots=True)
class Watch:
    """What this supervisor has seen of one attempt, by its own clock: that of another machine may
    differ, and the wall clock may jump.
    """

    job: Job
    since: float
    beaten_at: float
    to_end_since: float | None = None


class JobsSupervisor:
    """Steps through the jobs that run; `step` is public so that tests call it with their own time.

    Everything it knows is in the job table: after a crash the next one begins where the table
    stands.
    """

    def __init__(
        self,
        store: JobStore,
        executor: Executor,
        program: Program,
        limits: SupervisorLimits,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._executor = executor
        self._program = program
        self._limits = limits
        self._wall_clock = wall_clock
        self._watched: dict[str, Watch] = {}
        self._looked_at: float | None = None
        self._begins_from = float("-inf")
        self._pause_s = REFUSED_PAUSE_S[0]

    def step(self, now: float) -> None:
        """Look at every job that runs, then begin what may begin."""
        active = self._store.active()
        self._forgive_silence(now)
        for job in active:
            with suppress(Superseded):  # its program was quicker
                self._look(job, now)
        self._see_off({attempt_key(job.id, job.attempt) for job in active}, now)
        while now >= self._begins_from and (claimed := self._claim()) is not None:
            with suppress(Superseded):
                self._begin(claimed, now)

    def close(self) -> None:
        """End what ends with this process; its jobs wait for the next one, and lose nothing."""
        self._executor.close()
        for job in self._store.active():
            if job.owner == self._executor.place and self._status(job).is_over:
                with suppress(Superseded):
                    why = "the controller was ended"
                    self._store.put_back(job.id, job.attempt, self._wall_clock(), why)
                self._program.clean(job)

    def _claim(self) -> Job | None:
        if not self._executor.is_ready():
            return None
        return self._store.claim(self._wall_clock(), self._limits.at_once, self._executor.place)

    def _begin(self, job: Job, now: float) -> None:
        key = attempt_key(job.id, job.attempt)
        self._watched[key] = Watch(job, now, now)  # to be seen off, however far it comes
        try:
            command = self._program.command(job)
            self._executor.submit(key, command.argv, command.environment, command.limits)
        except ConnectionError as error:
            self._put_off(job, str(error), now)
        except OSError as error:
            if error.errno in FULL:
                self._fail(job, DISK_FULL)
            else:
                self._again(job, f"it can't be begun: {error}")
        else:
            self._pause_s = REFUSED_PAUSE_S[0]
            logger.info("job begun", extra=_names(job))

    def _put_off(self, job: Job, why: str, now: float) -> None:
        """Who is to run it takes nothing yet, such as a cluster that starts: no fault of the job's,
        and all others would meet the same.
        """
        self._begins_from = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, REFUSED_PAUSE_S[1])
        self._store.put_back(job.id, job.attempt, self._wall_clock(), why)
        logger.warning("a job can't be begun yet", extra={**_names(job), "why": why})

    def _look(self, job: Job, now: float) -> None:
        watch = self._watch(job, now)
        status = self._status(job)
        if status.phase is Phase.ENDED:
            self._judge(job, status)
        elif status.phase is Phase.LOST:
            self._again(job, status.why or "nobody runs it any more")
        elif job.is_cancel_asked and status.phase is Phase.WAITING:
            self._give_up(job, "it was cancelled before there was room for it", None)
        elif status.phase is Phase.WAITING:  # neither is it silent, nor does it take long
            watch.since = watch.beaten_at = now
            self._tell_waiting(job)
        elif job.is_cancel_asked and self._is_overdue(watch, now):
            self._give_up(job, "it did not end by itself and was killed", None)
        elif now - watch.since >= self._limits.timeout_s:
            limit = f"{self._limits.timeout_s:g}"
            self._fail(job, f"not finished after {limit} seconds (setting job_timeout_s)")
        elif now - watch.beaten_at >= self._patience_s(job, status):
            self._again(job, f"it was silent for {now - watch.beaten_at:.0f} seconds")

    def _tell_waiting(self, job: Job) -> None:
        """To the table it runs as soon as an executor has it: people shall see that it waits."""
        if job.progress.get("stage") != NO_ROOM_YET and job.heartbeat_at == job.begun_at:
            told = {**job.progress, "stage": NO_ROOM_YET}
            self._store.tell_before_it_begins(job.id, job.attempt, told)

    def _judge(self, job: Job, status: Status) -> None:
        """What to do about a program that has ended, if it hasn't ended its job."""
        log = self._executor.log(attempt_key(job.id, job.attempt))[-LOG_TAIL:]
        verdict = judge(status, log)
        if verdict.may_pass:
            self._again(job, verdict.why)
        else:
            self._fail(job, verdict.why)

    def _again(self, job: Job, why: str) -> None:
        """The next attempt later, or none where too many came to nothing."""
        following = retry_at(job.failures, self._limits.attempts, self._wall_clock())
        if following is None:
            why = f"{why}; {job.failures + 1} attempts in a row came to nothing"
        self._give_up(job, why, following)

    def _fail(self, job: Job, why: str) -> None:
        self._give_up(job, why, None)

    def _give_up(self, job: Job, why: str, following: float | None) -> None:
        """Have the attempt ended wherever it runs, then say so: never the other way round."""
        self._executor.stop(attempt_key(job.id, job.attempt))
        found = self._store.give_up(job.id, job.attempt, self._wall_clock(), why, following)
        logger.warning(
            "attempt of a job given up",
            extra={**_names(job), "state": found.state.value, "why": why},
        )

    def _see_off(self, active: set[str], now: float) -> None:
        """Clean up behind attempts that have ended their jobs, or that others have taken over."""
        for key in self._watched.keys() - active:
            watch = self._watched[key]
            status = self._status(watch.job)
            is_overdue = self._is_overdue(watch, now)
            if status.phase is Phase.RUNNING and status.why:
                break  # none can be asked after, nor told to stop
            if status.phase is Phase.RUNNING and not is_overdue:
                continue
            self._executor.stop(key)
            self._program.clean(watch.job)
            del self._watched[key]
            logger.info("attempt of a job ended", extra=_names(watch.job))

    def _status(self, job: Job) -> Status:
        """As the executor says; of what another place has taken there is only its heartbeat."""
        if job.owner != self._executor.place:
            return Status(Phase.RUNNING)
        return self._executor.poll(attempt_key(job.id, job.attempt))

    def _watch(self, job: Job, now: float) -> Watch:
        key = attempt_key(job.id, job.attempt)
        watch = self._watched.setdefault(key, Watch(job, now, now))
        if job.heartbeat_at != watch.job.heartbeat_at:
            watch.beaten_at = now
        watch.job = job
        return watch

    def _patience_s(self, job: Job, status: Status) -> float:
        """How long it may be silent: less where its heartbeats are all that is known of it."""
        limits = self._limits
        if job.owner == self._executor.place and not status.why:
            return max(limits.lease_s, limits.seen_s)
        is_there = job.heartbeat_at != job.begun_at
        return limits.lease_s if is_there else max(limits.lease_s, limits.start_s)

    def _is_overdue(self, watch: Watch, now: float) -> bool:
        """Whether the grace is over of one that is to end."""
        if watch.to_end_since is None:
            watch.to_end_since = now
        return now - watch.to_end_since >= self._limits.grace_s

    def _forgive_silence(self, now: float) -> None:
        """Where this process was long away from the table, so much silence is nobody else's."""
        away_s = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if away_s >= self._limits.lease_s / 2:
            for watch in self._watched.values():
                watch.beaten_at = min(watch.beaten_at + away_s, now)


def _names(job: Job) -> dict[str, object]:
    return {"job": job.id, "kind": job.kind.value, "model": job.model, "attempt": job.attempt}
