"""Claims jobs and ends them until there are none: `python -m tests.jobs.claimer URL AT_ONCE`."""

import sys

from service.base.database import open_database
from service.jobs.job import JobState
from service.jobs.store import JobStore

REPOSITORY = "/models"


def claim_all(url: str, at_once: int) -> list[str]:
    """The ids of those that were claimed here. Fails if more run than may."""
    engine = open_database(url)
    store = JobStore(engine, REPOSITORY)
    claimed = []
    while store.find(state=JobState.QUEUED, limit=1):
        job = store.claim(1000.0, at_once)
        if job is not None:
            active = store.active()
            assert len(active) <= at_once, active
            assert len({one.model for one in active}) == len(active), active
            store.finish(job.id, job.attempt, JobState.GATED, 1001.0, {})
            claimed.append(job.id)
    engine.dispose()
    return claimed


if __name__ == "__main__":
    print("\n".join(claim_all(sys.argv[1], int(sys.argv[2]))))
