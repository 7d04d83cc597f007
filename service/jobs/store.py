"""The job table: what is asked, queued, run and ended."""

from service.jobs.store_attempts import AttemptStore
from service.jobs.store_counts import CountStore
from service.jobs.store_events import EventStore
from service.jobs.store_latest import LatestStore
from service.jobs.store_queue import QueueStore


class JobStore(QueueStore, AttemptStore, EventStore, CountStore, LatestStore):
    """The jobs of one repository; several repositories may share a database.

    Safe in threads and with any number of processes and replicas at once.
    """
