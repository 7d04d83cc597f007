"""The settings of jobs: retraining, evaluation, batch predictions, and what they read."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class JobSettings(BaseSettings):
    """What jobs may use, where they run, and where their data lies."""

    data_dir: Path | None = Field(
        default=None, description="Folder of data files that jobs may read; empty = none"
    )
    max_data_mb: Positive = Field(default=512, description="Largest data file in MiB")
    data_total_mb: Positive = Field(
        default=8192, description="Uploaded data files of a model in MiB; what is more is refused"
    )
    data_keep_days: float = Field(
        default=90,
        ge=0,
        description="Uploaded data files that no job has named for so long are deleted; 0 = never",
    )
    capture_mb: int = Field(
        default=1024,
        ge=0,
        description="Captured inputs kept for a model in MiB, the oldest give way; 0 captures none",
    )
    executor: Literal["local", "ray"] = Field(
        default="local", description="Where jobs run: child processes here, or a Ray cluster"
    )
    ray_address: str = Field(default="", description="URL of Ray's dashboard, for executor ray")
    ray_token: SecretStr = Field(
        default=SecretStr(""), description="Token of the Ray cluster, for executor ray"
    )
    ray_python: str = Field(
        default="python", description="Python of the Ray cluster's nodes, for executor ray"
    )
    jobs_at_once: Positive = Field(default=1, description="Jobs that run at the same time")
    job_memory_mb: int = Field(
        default=8192, ge=1024, description="Address space of a job's process in MiB"
    )
    job_threads: int = Field(
        default=0, ge=0, description="Threads of TensorFlow in a job; 0 = half of the processors"
    )
    job_timeout_s: Seconds = Field(default=86_400, description="Wall time of one attempt of a job")
    job_attempts: Positive = Field(
        default=4, description="How often a job is begun that ended for a passing reason"
    )
    job_lease_s: Seconds = Field(
        default=30,
        description="Silence after which a job is begun again; at least 600 while seen to run",
    )
    jobs_keep_days: float = Field(
        default=30, ge=0, description="How long jobs that have ended are kept, with their folders"
    )
    job_streams: Positive = Field(
        default=16, description="Clients that may watch a job's events, in one worker"
    )
    webhook: str = Field(
        default="", description="URL that is told of each job that has ended; empty = none"
    )

    @field_validator("webhook")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            told = urlsplit(value)
            is_url = told.scheme in ("http", "https") and bool(told.hostname)
        except ValueError:
            is_url = False
        if value and not (is_url and value.isprintable()):
            raise ValueError("expected a URL that begins with http:// or https://")
        return value
