"""How a job came to its end, for its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.jobs.job import JobState


@dataclass(frozen=True, slots=True)
class Ended:
    """The state, what came of it, and for a failure why."""

    state: JobState
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
