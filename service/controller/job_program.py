"""What is run for a job: its argv, its environment and its limits."""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.base.processors import processors
from service.base.settings import ENV_PREFIX, MEBIBYTE, Settings
from service.jobs.executor import JobLimits
from service.jobs.job import Job

PROGRAM = (sys.executable, "-P", "-m", "service.training.run")
SCRATCH = "attempt-{}"  # below the job's folder; home and place of temporary files
# Settings that a job has no need of, and that are or may hold secrets: they are set to nothing, so
# that they aren't read from kerasd.toml either.
WITHHELD = ("api_key", "ray_token", "webhook")
# What else the service was started with is for it: a job reads files that others have made. What
# begins with PG may be the way into the database.
SECRET = re.compile(r"(?!PG).*(SECRET|TOKEN|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE)", re.I)

# A job publishes what it has trained; nodes of a cluster have credentials of their own.
STORES = re.compile(r"AWS_|GOOGLE_APPLICATION_CREDENTIALS$|AZURE_")


@dataclass(frozen=True, slots=True)
class Command:
    """A program to be run."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    limits: JobLimits


class JobProgram:
    """Makes ready what one attempt needs; `argv` comes before the job's id and the attempt."""

    def __init__(self, settings: Settings, argv: tuple[str, ...] = PROGRAM) -> None:
        self._jobs_dir = settings.jobs_dir.absolute()
        told = settings.environment(elsewhere=settings.executor != "local")
        is_remote = bool(settings.repository_url or settings.compiled_url)
        self._environment = {
            name: told[name]
            for name in told
            if not SECRET.match(name)
            or (is_remote and settings.executor == "local" and STORES.match(name))
        }
        threads = settings.job_threads or max(processors() // 2, 1)
        self._limits = JobLimits(settings.job_memory_mb * MEBIBYTE, threads)
        self._argv = argv

    def command(self, job: Job) -> Command:
        """What is to be run, with its scratch folder made. Raises OSError."""
        scratch = self._scratch(job)
        scratch.mkdir(parents=True, exist_ok=True)
        threads = str(self._limits.threads)
        environment = {
            **self._environment,
            **{f"{ENV_PREFIX}{name.upper()}": "" for name in WITHHELD},
            f"{ENV_PREFIX}JOB_THREADS": threads,  # those of this machine, wherever it runs
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "HDF5_PLUGIN_PRELOAD": "::",  # no HDF5 filter plugins from anywhere
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": "tensorflow",
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
        }
        return Command((*self._argv, job.id, str(job.attempt)), environment, self._limits)

    def clean(self, job: Job) -> None:
        """Remove the scratch folder of an attempt that has ended."""
        shutil.rmtree(self._scratch(job), ignore_errors=True)

    def _scratch(self, job: Job) -> Path:
        return self._jobs_dir / job.id / SCRATCH.format(job.attempt)
