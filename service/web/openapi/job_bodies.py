"""Bodies of jobs: how one stands, what has happened to it, its files, the data, and the scores."""

from typing import Annotated, Any

from pydantic import Field

from service.web.openapi.body import Body

Count = Annotated[int, Field(ge=0)]
Record = dict[str, Any]
Time = Annotated[str, Field(description="ISO 8601, UTC")]


class JobBrief(Body):
    """A job as it stands."""

    id: str
    kind: str = Field(description="retrain, evaluate, batch-predict")
    model: str
    state: str = Field(
        description="QUEUED, RUNNING, EVALUATING; ended: PUBLISHED, GATED (not good enough), "
        "SUCCEEDED (nothing to publish), FAILED, CANCELLED"
    )
    by: str
    trigger: str = Field(description="api, cli, schedule")
    priority: int
    attempt: Count = Field(description="How often it was begun")
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    heartbeat_at: Time | None
    retry_at: Time | None = Field(description="When it is begun again after a failure that passes")
    is_cancel_asked: bool
    progress: Record = Field(
        description="stage, epoch, epochs, batch, batches, metrics, learning_rate, eta_s, as far "
        "as they are known"
    )
    error: str


class EpochRecord(Body):
    """What an epoch came to."""

    epoch: Count
    metrics: Record = Field(description="Losses and metrics; those of validation with `val_`")
    learning_rate: float
    duration_s: float


class JobAnswer(JobBrief):
    """A job with its epochs, what was asked, and what came of it."""

    epochs: list[Record] = Field(description="What each epoch came to: see EpochRecord")
    request: Record
    result: Record = Field(
        description="Of a retrain: version, promoted, gate (passed, reasons), scores, epochs (best "
        "one, why it stopped), data"
    )


class AcceptedAnswer(JobAnswer):
    """A job that was asked for."""

    data: Record | None = Field(None, description="What the rows came to when they were checked")


class JobsAnswer(Body):
    """Jobs, newest first."""

    jobs: list[JobBrief]


class JobEventRecord(Body):
    """Something that has happened to a job."""

    id: Annotated[int, Field(ge=1)]
    job: str
    at: Time
    kind: str = Field(description="state, epoch, data, verdict, scores, published, cancel, ...")
    body: Record


class EventsAnswer(Body):
    """Events in their order, and how the job stands."""

    job: JobBrief
    events: list[JobEventRecord]


class ArtefactRecord(Body):
    """A file of a job."""

    name: str
    bytes: Count
    at: Time


class ArtefactsAnswer(Body):
    """The files of a job that are shown, by name."""

    job: str
    artefacts: list[ArtefactRecord]


class DataFileAnswer(Body):
    """An uploaded data file; `file` is its name in requests."""

    file: str
    sha256: str
    bytes: Count
    name: str = Field(description="As its sender calls it")
    by: str
    at: Time


class DataFilesAnswer(Body):
    """The uploaded files of a model, the latest first."""

    files: list[DataFileAnswer]


class DataDeletedAnswer(Body):
    """It is gone."""

    model: str
    file: str
    deleted: bool


class EvaluationRecord(Body):
    """What a version scored on a dataset."""

    version: Annotated[int, Field(ge=1)]
    dataset: str
    data_sha256: str
    rows: Count
    job: str
    at: Time
    metrics: Record = Field(description="The numbers that have a name")
    scores: Record
    confusion: list[list[Count]] = Field(description="Rows true, columns predicted")


class EvaluationsAnswer(Body):
    """Evaluations of a model, newest first."""

    model: str
    evaluations: list[EvaluationRecord]


class ComparisonAnswer(Body):
    """Two versions on the same rows."""

    model: str
    a: Annotated[int, Field(ge=1)]
    b: Annotated[int, Field(ge=1)]
    dataset: str
    data_sha256: str
    rows: Count
    metrics: Record = Field(description="Of each both values; a gain above 0 is in favour of b")
    verdict: Record | None = Field(
        description="McNemar's test; null for numbers, of which none is right or wrong"
    )
