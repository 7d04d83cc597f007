"""A job: what was asked, where it stands, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a job does."""

    RETRAIN = "retrain"
    EVALUATE = "evaluate"
    BATCH_PREDICT = "batch-predict"


class JobState(StrEnum):
    """Where a job stands.

    GATED: its candidate wasn't good enough, and isn't published. PUBLISHED: its candidate is a
    version of the model. SUCCEEDED: done, for jobs that publish nothing.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    EVALUATING = "EVALUATING"
    GATED = "GATED"
    PUBLISHED = "PUBLISHED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ACTIVE = frozenset({JobState.RUNNING, JobState.EVALUATING})
ENDED = frozenset(JobState) - ACTIVE - {JobState.QUEUED}


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job that somebody asks for.

    `trigger` is api, cli or schedule; `by` names who asks. `key` is the sha256 of the client's
    Idempotency-Key: the same key again is the same job, as long as `sent` is the same too: what the
    client has sent, before defaults went into `request`. A higher `priority` begins earlier.
    """

    kind: Kind
    model: str
    request: Mapping[str, Any]
    by: str
    trigger: str = "api"
    priority: int = 0
    key: str = ""
    sent: Mapping[str, Any] | None = None  # all of `request`


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the job table; times are seconds since 1970.

    `attempt` counts how often it was begun: whoever works for an earlier one may write no more.
    `started_at` is when the first attempt began, `begun_at` when the latest did. `failures` counts
    attempts that came to nothing since the job last saved what it had done. `owner` is the place
    that runs it. `progress` is what it tells of itself while it runs, `result` what came of it,
    `error` why it failed, or why the last attempt did.
    """

    id: str
    kind: Kind
    model: str
    request: Mapping[str, Any]
    state: JobState
    by: str
    trigger: str
    priority: int
    attempt: int
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    heartbeat_at: float | None = None
    retry_at: float | None = None
    is_cancel_asked: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    begun_at: float | None = None
    failures: int = 0
    owner: str = ""

    @property
    def is_ended(self) -> bool:
        """True when nothing will change any more."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What happened to a job: a state, an epoch, a report; `number` counts up in a job."""

    job: str
    number: int
    at: float
    kind: str
    body: Mapping[str, Any]
