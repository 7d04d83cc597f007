"""The operations of jobs: asked for, watched, ended; their data and what versions scored."""

from collections.abc import Iterator

from pydantic import BaseModel

from service.recipe.batch import BatchPredictRequest
from service.recipe.evaluation import EvaluateRequest
from service.recipe.retrain import RetrainRequest
from service.web.answers import JSON
from service.web.jobs.event_text import STREAM
from service.web.jobs.job_files import TEXT
from service.web.openapi.job_bodies import (
    AcceptedAnswer,
    ArtefactsAnswer,
    ComparisonAnswer,
    DataDeletedAnswer,
    DataFileAnswer,
    DataFilesAnswer,
    EvaluationsAnswer,
    EventsAnswer,
    JobAnswer,
    JobBrief,
    JobsAnswer,
)
from service.web.openapi.operation import (
    BINARY,
    EDGE,
    NAMED,
    Answer,
    Content,
    Operation,
    Tag,
    answers,
)

TAG: Tag = "Jobs"
MODEL = "/v1/models/{model}"
JOB = "/v1/jobs/{job}"
READING = (*EDGE, *NAMED, 503)
ASKING = (*READING, 409, 422, 507)
ASKED = ("trigger", "why", "Idempotency-Key")
RETRAIN_EXAMPLE = {
    "data": {"file": "train.csv"},
    "fit": {"epochs": 20},
    "compile": {"learning_rate": 0.001},
    "callbacks": {"EarlyStopping": {"patience": 3, "restore_best_weights": True}},
    "gate": {"metric": "macro_f1", "min_gain": 0.01},
    "promote": "manual",
}


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _asking()
    yield from _watching()
    yield from _files()
    yield from _data()
    yield from _evaluations()


def _asking() -> Iterator[Operation]:
    yield _ask(f"{MODEL}:retrain", "retrain", "Train a model anew; a better version is published",
               RetrainRequest, RETRAIN_EXAMPLE)  # fmt: skip
    evaluated = {"data": {"file": "test.csv"}, "versions": [1, 2]}
    yield _ask(f"{MODEL}:evaluate", "evaluate", "Score versions on rows with known labels",
               EvaluateRequest, evaluated)  # fmt: skip
    yield _ask(f"{MODEL}/versions/{{version}}:evaluate", "evaluateVersion",
               "Score one version on rows with known labels",
               EvaluateRequest, {"data": {"file": "test.csv"}})  # fmt: skip
    yield _ask(f"{MODEL}:batch-predict", "batchPredict",
               "Predict all rows of files in the data folder", BatchPredictRequest,
               {"input": "january", "output": "january-predicted"})  # fmt: skip
    yield Operation("post", f"{JOB}:cancel", "cancelJob",
                    "End a job: at once if it waits, else at its next batch", TAG,
                    answers("How it stands", JobBrief), READING, ("why",))  # fmt: skip


def _watching() -> Iterator[Operation]:
    yield Operation("get", "/v1/jobs", "jobs", "The jobs, newest first", TAG,
                    answers("Jobs", JobsAnswer), (*EDGE, 405, 503),
                    ("job_model", "state", "kind", "limit", "before_job"))  # fmt: skip
    yield Operation("get", JOB, "job", "How far a job is, its epochs, and what came of it", TAG,
                    answers("The job", JobAnswer), READING)  # fmt: skip
    streamed = {
        200: Answer(
            "The events; as a stream for who accepts one, else those so far",
            {JSON: Content((EventsAnswer,)), STREAM: Content()},
        ),
        204: Answer("The job has ended, and Last-Event-ID is its last event"),
    }
    yield Operation("get", f"{JOB}/events", "jobEvents", "What happens to a job, as it happens",
                    TAG, streamed, READING, ("after", "limit", "Last-Event-ID"))  # fmt: skip


def _files() -> Iterator[Operation]:
    text = {200: Answer("Its last lines", {TEXT.partition(";")[0]: Content()})}
    yield Operation("get", f"{JOB}/log", "jobLog", "What its program has printed", TAG, text,
                    READING, ("tail",))  # fmt: skip
    yield Operation("get", f"{JOB}/artefacts", "jobArtefacts", "The files of a job", TAG,
                    answers("The files", ArtefactsAnswer), READING)  # fmt: skip
    file = {200: Answer("The file", {BINARY: Content()})}
    yield Operation("get", f"{JOB}/artefacts/{{artefact}}", "jobArtefact", "One file of a job", TAG,
                    file, READING)  # fmt: skip


def _data() -> Iterator[Operation]:
    kept = {JSON: Content((DataFileAnswer,))}
    yield Operation("post", f"{MODEL}/data", "uploadData", "Send a data file for jobs", TAG,
                    {200: Answer("The file was there already", kept), 201: Answer("Kept", kept)},
                    ASKING, ("data_name", "why"), request={BINARY: Content()})  # fmt: skip
    yield Operation("get", f"{MODEL}/data", "dataFiles", "The data files that were sent", TAG,
                    answers("The files", DataFilesAnswer), READING)  # fmt: skip
    gone = answers("It is gone", DataDeletedAnswer)
    yield Operation("delete", f"{MODEL}/data/{{file}}", "deleteData", "Delete a data file", TAG,
                    gone, (*READING, 409), ("why",))  # fmt: skip


def _evaluations() -> Iterator[Operation]:
    yield Operation("get", f"{MODEL}/evaluations", "evaluations", "What versions scored", TAG,
                    answers("Evaluations, newest first", EvaluationsAnswer), READING,
                    ("evaluated_version", "dataset", "evaluations_limit"))  # fmt: skip
    yield Operation("get", f"{MODEL}/evaluations/compare", "compare",
                    "Whether a version is really better than another", TAG,
                    answers("Both on the same rows", ComparisonAnswer), (*READING, 409),
                    ("a", "b", "dataset"))  # fmt: skip


def _ask(path: str, name: str, summary: str, body: type[BaseModel], example: object) -> Operation:
    accepted = {JSON: Content((AcceptedAnswer,))}
    answered = {
        200: Answer("The job that this Idempotency-Key has begun before", accepted, ("Location",)),
        202: Answer("It is queued", accepted, ("Location",)),
    }
    return Operation("post", path, name, summary, TAG, answered, ASKING, ASKED,
                     request={JSON: Content((body,), example)})  # fmt: skip
