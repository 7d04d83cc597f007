"""What can be wrong with a job: the branch of the errors' tree for the job table.

    JobNotFound            404  job_not_found
    Superseded                  superseded
    Cancelled                   cancelled
    TrainingFailed              training_failed

JobNotFound is a NotFound. The others end the program that runs a job and never leave over HTTP.
"""

from service.base.errors import KerasdError, NotFound, OperatorError


class JobNotFound(NotFound):
    """No job has this id, or it ended so long ago that it is forgotten."""

    code = "job_not_found"

    def __init__(self, job: str) -> None:
        KerasdError.__init__(self, f"Job not found: {job[:80]}")


class Superseded(OperatorError):
    """A later attempt of the job has begun, or it has ended: this one may write nothing more."""

    code = "superseded"

    def __init__(self, job: str, attempt: int) -> None:
        super().__init__(f"job {job}: attempt {attempt} is not the one that runs now; it ends")


class Cancelled(OperatorError):
    """Somebody asked for the job to be cancelled."""

    code = "cancelled"

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job}: it was cancelled")


class TrainingFailed(OperatorError):
    """A fit can't go on, and another attempt would end the same; the text says what to change."""

    code = "training_failed"
