"""Tells whoever wants to hear of it that a job has ended: by POST, again later where that fails."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from sqlalchemy.exc import SQLAlchemyError

from service import __version__
from service.controller.webhook_post import DEADLINE_S, PostFailed, post
from service.jobs.job import Job
from service.jobs.record import ended_record
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

BACKOFF_S = (2.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
MOST = 1000
AT_ONCE = 8  # URLs that are told at the same time
ROUND_S = 30.0  # after so long a URL makes room for others; what is left comes with its next round


@dataclass(slots=True)
class Delivery:
    """One job, by its id, for one URL; `why` is how the last try failed."""

    job: str
    url: str
    due_at: float
    tries: int = 0
    is_over: bool = False
    why: str = ""


class Webhook:
    """At least once for each job and URL: after a crash a job may be told of again, with the same
    Idempotency-Key. `urls` are those for the jobs of a model.

    A round of deliveries has a thread of its own for each URL, so that none waits for another one;
    `step` waits for none of them, and looks at what came of them when a job's last one has ended.
    """

    def __init__(
        self,
        store: JobStore,
        urls: Callable[[str], Iterable[str]],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._store = store
        self._urls = urls
        self._deadline_s = deadline_s
        self._deliveries: dict[str, list[Delivery]] = {}
        self._rounds: dict[str, threading.Thread] = {}

    def step(self, now: float) -> None:
        """Take in what has ended, note what was told, and begin the rounds that are due."""
        self._rounds = {url: one for url, one in self._rounds.items() if one.is_alive()}
        untold = self._store.untold(MOST)
        self._deliveries = {key: of for key, of in self._deliveries.items() if key in untold}
        for job, model in untold.items():
            if job not in self._deliveries:
                self._deliveries[job] = [Delivery(job, url, now) for url in self._urls(model)]
            if all(delivery.is_over for delivery in self._deliveries[job]):
                self._store.mark_told(job)
        for url, due in self._due(now):
            if len(self._rounds) < AT_ONCE:
                self._rounds[url] = threading.Thread(
                    target=deliver_all,
                    args=(self._store, due, now, self._deadline_s),
                    name="webhook",
                    daemon=True,
                )
                self._rounds[url].start()

    def join(self, timeout_s: float) -> None:
        """Wait for the rounds that are under way."""
        end_at = time.monotonic() + timeout_s
        for one in self._rounds.values():
            one.join(max(end_at - time.monotonic(), 0.0))

    def _due(self, now: float) -> list[tuple[str, list[Delivery]]]:
        """By URL, the one that has waited longest first; not those whose round is under way."""
        found: dict[str, list[Delivery]] = {}
        for of_job in self._deliveries.values():
            for one in of_job:
                if not one.is_over and one.due_at <= now and one.url not in self._rounds:
                    found.setdefault(one.url, []).append(one)
        return sorted(found.items(), key=lambda due: min(one.due_at for one in due[1]))


def deliver_all(store: JobStore, deliveries: list[Delivery], now: float, deadline_s: float) -> None:
    """One round for one URL; who doesn't answer is asked once in a round, not once a job.

    What is told is read now, and not kept while it waits. Without a database the round is over.
    """
    end_at = time.monotonic() + ROUND_S
    for at, delivery in enumerate(deliveries):
        if time.monotonic() >= end_at:
            return
        try:
            job = store.get(delivery.job)
        except SQLAlchemyError:  # the loop tells of it, and begins the next round
            return
        delivery.why, is_answered = tell(delivery.url, job, deadline_s)
        _note(delivery, now)
        if not is_answered:
            for other in deliveries[at + 1 :]:
                other.why = delivery.why
                _note(other, now)
            return


def _note(delivery: Delivery, now: float) -> None:
    """What a try came to."""
    delivery.tries += 1
    about = {"job": delivery.job, "host": urlsplit(delivery.url).hostname}
    if not delivery.why:
        delivery.is_over = True
    elif delivery.tries > len(BACKOFF_S):
        delivery.is_over = True
        logger.warning("webhook given up", extra={**about, "why": delivery.why})
    else:
        delivery.due_at = now + BACKOFF_S[delivery.tries - 1]
        logger.info("webhook failed, tried again later", extra={**about, "why": delivery.why})


def tell(url: str, job: Job, deadline_s: float) -> tuple[str, bool]:
    """Tell of a job; why that failed, or empty, and whether there was an answer at all.

    The URL stands in no log: it may hold a secret.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"kerasd/{__version__}",
        "Idempotency-Key": job.id,
    }
    try:
        status = post(url, orjson.dumps(ended_record(job)), headers, deadline_s)
    except PostFailed as error:
        return str(error), False
    except (ValueError, OSError) as error:
        return type(error).__name__, False
    return ("" if 200 <= status < 300 else f"status {status}"), True
