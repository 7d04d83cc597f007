"""What the attempts of a job have printed: one file in its folder, one after the other."""

import os
from pathlib import Path

from service.jobs.ids import job_of

LOG = "job.log"
LOG_TAIL_BYTES = 64 * 1024


def job_log(jobs_dir: Path, key: str) -> Path:
    """The file, by the key of an attempt."""
    return jobs_dir / job_of(key) / LOG


def tail(path: Path) -> str:
    """The last 64 KiB; empty where there is nothing yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
