"""Tells whoever wants to hear of it that a job has ended: by POST, again later where that fails."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
import requests

from service import __version__
from service.jobs.job import Job
from service.jobs.record import ended_record
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

TIMEOUT_S = (3.0, 10.0)  # to connect, to answer
BACKOFF_S = (2.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
MOST = 1000


@dataclass(slots=True)
class Delivery:
    """One job for one URL; `why` is how the last try failed."""

    job: Job
    url: str
    due_at: float
    tries: int = 0
    is_over: bool = False
    why: str = ""


class Webhook:
    """At least once for each job and URL: after a crash a job may be told of again, with the same
    Idempotency-Key.

    A round of deliveries has a thread of its own; `step` never waits for it, and looks at what came
    of them when it has ended.
    """

    def __init__(self, store: JobStore, urls: Callable[[Job], Iterable[str]]) -> None:
        self._store = store
        self._urls = urls
        self._deliveries: dict[str, list[Delivery]] = {}
        self._thread: threading.Thread | None = None

    def step(self, now: float) -> None:
        """Take in what has ended, note what was told, and begin a round if something is due."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
        untold = {job.id: job for job in self._store.untold(MOST)}
        self._deliveries = {key: of for key, of in self._deliveries.items() if key in untold}
        for job in untold.values():
            if job.id not in self._deliveries:
                self._deliveries[job.id] = [Delivery(job, url, now) for url in self._urls(job)]
            if all(delivery.is_over for delivery in self._deliveries[job.id]):
                self._store.mark_told(job.id)
        due = [
            delivery
            for of_job in self._deliveries.values()
            for delivery in of_job
            if not delivery.is_over and delivery.due_at <= now
        ]
        if due:
            self._thread = threading.Thread(
                target=deliver_all, args=(due, now), name="webhook", daemon=True
            )
            self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for a round that is under way."""
        if self._thread is not None:
            self._thread.join(timeout_s)


def deliver_all(deliveries: list[Delivery], now: float) -> None:
    """One round."""
    for delivery in deliveries:
        delivery.why = post(delivery.url, delivery.job)
        delivery.tries += 1
        about = {"job": delivery.job.id, "host": urlsplit(delivery.url).hostname}
        if not delivery.why:
            delivery.is_over = True
        elif delivery.tries > len(BACKOFF_S):
            delivery.is_over = True
            logger.warning("webhook given up", extra={**about, "why": delivery.why})
        else:
            delivery.due_at = now + BACKOFF_S[delivery.tries - 1]
            logger.info("webhook failed, tried again later", extra={**about, "why": delivery.why})


def post(url: str, job: Job) -> str:
    """Tell of a job; why that failed, or empty. Its URL stands in no log: it may hold a secret."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"kerasd/{__version__}",
        "Idempotency-Key": job.id,
    }
    try:
        # Whoever answers with another address could have this machine ask where only it may ask.
        with requests.post(
            url,
            data=orjson.dumps(ended_record(job)),
            headers=headers,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,  # what the answer says interests nobody
        ) as answer:
            return "" if 200 <= answer.status_code < 300 else f"status {answer.status_code}"
    except (requests.RequestException, ValueError, OSError) as error:
        return type(error).__name__
