"""Ids of jobs: they sort by time, tell it to people, and are safe as names of folders."""

import re
import secrets
from datetime import UTC, datetime

JOB_ID = re.compile(r"[0-9]{8}-[0-9]{9}-[0-9a-f]{8}")
KEY = re.compile(rf"(?P<job>{JOB_ID.pattern})-a(?P<attempt>[1-9][0-9]{{0,8}})")
RANDOM_BYTES = 4


def new_id(now: float) -> str:
    """An id that nobody has, such as `20261126-141530123-9f8e3a1c`; the time is in UTC."""
    at = datetime.fromtimestamp(now, UTC)
    thousandth = f"{at.microsecond // 1000:03}"
    return f"{at:%Y%m%d-%H%M%S}{thousandth}-{secrets.token_hex(RANDOM_BYTES)}"


def is_id(text: str) -> bool:
    """Whether this can be the id of a job; what can't is no part of a path either."""
    return JOB_ID.fullmatch(text) is not None


def attempt_key(job: str, attempt: int) -> str:
    """What an executor calls one attempt of a job."""
    return f"{job}-a{attempt}"


def job_of(key: str) -> str:
    """The job that such a key is of."""
    found = KEY.fullmatch(key)
    if found is None:
        raise ValueError(f"no key of an attempt: {key!r}")
    return found["job"]
