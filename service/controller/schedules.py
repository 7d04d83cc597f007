"""Retrains that nobody asks for: at the times that model.yaml names, by cron in UTC."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError

from service.base.errors import Overloaded
from service.base.http_errors import Conflict
from service.jobs.job import JobOrder, JobState, Kind
from service.jobs.store import JobStore
from service.jobs.store_queue import MOST_WAITING
from service.repository.audit import CONTROLLER

logger = logging.getLogger(__name__)

TRIGGER = "schedule"
MISSED_S = 3600.0
SET_BACK_S = 60.0  # a clock that goes back by so much was wrong before


@dataclass(frozen=True, slots=True)
class Plan:
    """When a model is retrained, and what is asked then; `since` is when that was written down.

    `request` raises ValueError if what the plan would ask can't be asked.
    """

    model: str
    cron: str
    request: Callable[[], Mapping[str, Any]]
    since: float = 0.0


class Schedules:
    """Asks for each planned job once, however many controllers there are and however often they
    are started: the key of a job is its model and time.

    A time that was missed by up to an hour, as nothing ran, is made up for.
    """

    def __init__(
        self,
        store: JobStore,
        plans: Callable[[], Iterable[Plan]],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._plans = plans
        self._wall_clock = wall_clock
        self._next: dict[tuple[str, str], float] = {}
        self._told: set[tuple[str, str]] = set()
        self._looked_at = float("-inf")

    def step(self, _now: float) -> None:
        """Ask for what is due."""
        now = self._wall_clock()
        if now < self._looked_at - SET_BACK_S:  # or no time would be due before the wrong one
            self._next.clear()
        self._looked_at = now
        plans = {(plan.model, plan.cron): plan for plan in self._plans()}
        self._next = {key: at for key, at in self._next.items() if key in plans}
        for key, plan in plans.items():
            due: float | None = self._next.get(key, 0.0)
            if due is None or due < now - MISSED_S:  # not known, or a clock that has leapt
                due = self._after(plan, max(now - MISSED_S, plan.since))
            missed: float | None = None
            while due is not None and due <= now:
                missed, due = due, self._after(plan, due)
            if missed is not None:
                self._ask(plan, missed, now)
            if due is not None:
                self._next[key] = due

    def _ask(self, plan: Plan, due: float, now: float) -> None:
        """Ask for the job of that time; not while the one of an earlier time is still to end."""
        waiting = self._store.find(plan.model, JobState.QUEUED, Kind.RETRAIN, MOST_WAITING)
        for job in (*waiting, *self._store.active()):
            if (job.model, job.trigger) == (plan.model, TRIGGER):
                about = {"model": plan.model, "job": job.id}
                logger.info("the job of an earlier time has not ended yet", extra=about)
                return
        key = hashlib.sha256(f"schedule {plan.model} {due:.0f}".encode()).hexdigest()
        try:
            request = plan.request()
            priority = int(request.get("priority", 0))
            order = JobOrder(Kind.RETRAIN, plan.model, request, CONTROLLER, TRIGGER, priority, key)
            job = self._store.submit(order, now)
        except Conflict:  # it was asked for before model.yaml was changed
            return
        except (Overloaded, ValueError) as error:
            about = {"model": plan.model, "why": str(error)}
            logger.warning("a retrain by schedule can't be asked for", extra=about)
            return
        names = {"job": job.id, "model": plan.model, "attempt": job.attempt}
        logger.info("job asked for by schedule", extra=names)

    def _after(self, plan: Plan, at: float) -> float | None:
        """The next time after another; none for a line that no time fits, which is told once."""
        try:
            return next(CronSim(plan.cron, datetime.fromtimestamp(at, UTC))).timestamp()
        except (CronSimError, StopIteration) as error:
            if (plan.model, plan.cron) not in self._told:
                self._told.add((plan.model, plan.cron))
                about = {"model": plan.model, "schedule": plan.cron, "why": str(error)}
                logger.warning("schedule names no time", extra=about)
            return None
