"""A job of the kind batch-predict: its share of the files, each published once, whoever dies."""

import time
from pathlib import Path
from typing import Any

from service.base.errors import RequestInvalid
from service.data.inside import existing, writable
from service.jobs.attempt import Attempt
from service.jobs.ids import attempt_key
from service.jobs.job import JobState
from service.recipe.batch import BatchPredictRequest
from service.training.batch.run import BatchOrder, Progress, run_batch
from service.training.batch.subject import find_current, find_subject
from service.training.coming import await_current, await_version
from service.training.ended import Ended
from service.training.kept import REPORT, START, keep, read_kept
from service.training.workplace import Workplace


def batch_predict(attempt: Attempt, place: Workplace) -> Ended:
    """Do the job, from where an earlier attempt has ended. Raises KerasdError with the reason."""
    request = BatchPredictRequest.model_validate(attempt.job.request)
    if place.data_dir is None:
        raise RequestInvalid("input: there is no data folder (setting data_dir)")
    version = _version(attempt, place, request)
    await_version(place, attempt, version)
    subject = find_subject(place, attempt.job.model, version)
    order = BatchOrder(
        source=existing(place.data_dir, request.input),
        target=writable(place.data_dir, request.output),
        options=request.options,
        token=attempt_key(attempt.job.id, attempt.number),
        run=request.run or ("" if request.shard else attempt.job.id),
        fresh=request.fresh,
        shard=request.shard,
        threads=place.threads,
        within=place.data_dir,
    )
    attempt.progress(stage="predicting", version=version)
    done = run_batch(order, subject, JobWatcher(attempt))
    result = {
        "version": version, "output": request.output, "rows": done.rows, "errors": done.errors,
        "files": done.files, "complete": done.is_complete,
    }  # fmt: skip
    keep(attempt.folder / REPORT, result)
    return Ended(JobState.SUCCEEDED, result)


class JobWatcher:
    """Tells the job table how far it is, and ends where the job is over."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._began: tuple[float, int] | None = None

    def check(self) -> None:
        """Ask the database. Raises Superseded, Cancelled."""
        self._attempt.check()

    def tell(self, progress: Progress) -> None:
        """With the next beat. Raises Superseded, Cancelled."""
        if self._attempt.is_stopped:
            self._attempt.check()
        self._attempt.progress(**_fields(progress), eta_s=self._eta_s(progress))

    def finished(self, unit: str, rows: int, errors: int) -> None:
        """An event; later attempts begin behind this file."""
        self._attempt.event("file", file=unit, rows=rows, errors=errors)
        self._attempt.saved()

    def _eta_s(self, progress: Progress) -> float | None:
        now = time.monotonic()
        if self._began is None:
            self._began = now, progress.bytes
            return None
        since, before = self._began
        made = progress.bytes - before
        return (
            round((progress.bytes_total - progress.bytes) * (now - since) / made, 1)
            if made
            else None
        )


def _fields(progress: Progress) -> dict[str, Any]:
    return {
        "rows": progress.rows, "errors": progress.errors, "files": progress.files,
        "files_total": progress.files_total, "bytes": progress.bytes,
        "bytes_total": progress.bytes_total, "file": progress.file,
    }  # fmt: skip


def _version(attempt: Attempt, place: Workplace, request: BatchPredictRequest) -> int:
    """The same in every attempt, though another may have become current."""
    if request.version is not None:
        return request.version
    path: Path = attempt.folder / START
    found = read_kept(path)
    if found is None:
        await_current(place, attempt)
        found = keep(path, {"version": find_current(place.versions, attempt.job.model)})
    return int(found["version"])
