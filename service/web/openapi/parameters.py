"""Parameters of paths, queries and headers, and headers of answers, each described once."""

from service.base.names import MODEL_NAME, VERSION_NUMBER
from service.base.strict_json import Json
from service.data.places import UPLOADED
from service.jobs.ids import JOB_ID
from service.jobs.job import JobState, Kind
from service.quality.windows import WINDOWS
from service.repository.audit import WHY_SCHEMA
from service.web.openapi import examples


def _in_query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _in_path(name: str, description: str, pattern: str, example: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": f"^{pattern}$"},
        "example": example,
    }


NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": 9_999_999_999}
LIMIT: Json = {"type": "integer", "minimum": 1, "maximum": 1000}
COUNT: Json = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
TAIL: Json = {"type": "integer", "minimum": 1, "maximum": 4 * 1024**2}
JOB: Json = {"type": "string", "pattern": f"^{JOB_ID.pattern}$"}

PARAMETERS: dict[str, Json] = {
    "model": _in_path("model", "Name of a model", MODEL_NAME.pattern, examples.MODEL),
    "version": _in_path("version", "Number of a version", VERSION_NUMBER.pattern, "1"),
    "label": _in_path("label", "Label of a version, from model.yaml", "[^/:]+", "stable"),
    "namespace": _in_path("namespace", "Any name; Seldon has one", "[^/:]+", "default"),
    "window": _in_query(
        "window",
        "Predictions of how long; all if left out",
        {"type": "string", "enum": list(WINDOWS)},
    ),
    "min_support": _in_query(
        "min_support", "Scores over fewer rows have no value; 1 if left out", NUMBER
    ),
    "ready": {
        "name": "ready",
        "in": "query",
        "description": "Answer 503 unless it is loaded",
        "schema": {"type": "string"},
        "allowEmptyValue": True,
    },
    "format": {
        "name": "format",
        "in": "query",
        "description": "One form of the sample alone, as text; json is the whole",
        "schema": {"type": "string", "enum": ["json", "curl", "python", "javascript"]},
    },
    "from": {**_in_query("from", "Number of the one version", NUMBER), "required": True},
    "to": {**_in_query("to", "Number of the other", NUMBER), "required": True},
    "audited_model": _in_query("model", "Only this model's changes", {"type": "string"}),
    "limit": _in_query("limit", "So many of the latest; 100 if left out", LIMIT),
    "before": _in_query("before", "Only those before the one with this id", NUMBER),
    "published_version": _in_query("version", "Its number; the next one if left out", NUMBER),
    "filename": _in_query(
        "filename", "Name of the file, where the body is one", {"type": "string"}
    ),
    "wait": _in_query("wait", "Answer when it is compiled and verified", {"type": "boolean"}),
    "force": _in_query("force", "Also if it answered lately", {"type": "boolean"}),
    "again": _in_query("again", "Publish the same files once more", {"type": "boolean"}),
    "why": _in_query("why", "For the audit, in one line", {"type": "string", **WHY_SCHEMA}),
    "job": _in_path("job", "Id of a job", JOB_ID.pattern, "20261126-141530123-9f8e3a1c"),
    "artefact": _in_path("artefact", "Name of a file, with slashes", ".+", "report.json"),
    "file": _in_path("file", "Name of an uploaded data file", UPLOADED.pattern, f"{'0' * 64}.csv"),
    "job_model": _in_query("model", "Only this model's jobs", {"type": "string"}),
    "state": _in_query("state", "Only jobs in this state", {"type": "string", "enum": [*JobState]}),
    "kind": _in_query("kind", "Only jobs of this kind", {"type": "string", "enum": [*Kind]}),
    "before_job": _in_query("before", "Only those before the one with this id", JOB),
    "after": _in_query("after", "Only events after the one with this id", COUNT),
    "tail": _in_query("tail", "So many bytes of its end; 64 KiB if left out", TAIL),
    "trigger": _in_query("trigger", "Who asks; api if left out", {"enum": ["api", "cli"]}),
    "data_name": {
        **_in_query("name", "Name of the file; its suffix tells its format", {"type": "string"}),
        "required": True,
    },
    "evaluated_version": _in_query("version", "Only this version's", NUMBER),
    "evaluations_limit": _in_query(
        "limit", "So many of the latest; 20 if left out", {**LIMIT, "maximum": 100}
    ),
    "dataset": _in_query("dataset", "Only on the dataset of this name", {"type": "string"}),
    "a": {**_in_query("a", "Number of the one version", NUMBER), "required": True},
    "b": {**_in_query("b", "Number of the other", NUMBER), "required": True},
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Only events after the one with this id; browsers send it by themselves",
        "schema": COUNT,
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "With the same key the same files are published once, and the same job "
        "begun once",
        "schema": {"type": "string", "maxLength": 255},
    },
    "X-Request-Timeout-Ms": {
        "name": "X-Request-Timeout-Ms",
        "in": "header",
        "description": "How long the prediction may take; the setting `predict_timeout_s` at most",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "example": 1000,
    },
    "Inference-Header-Content-Length": {
        "name": "Inference-Header-Content-Length",
        "in": "header",
        "description": "Bytes of JSON before the binary tensors; 0 = only the tensor's bytes; "
        "absent = only JSON",
        "schema": {"type": "integer", "minimum": 0},
    },
}
HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The request's id in the log",
        "schema": {"type": "string"},
    },
    "X-Prediction-Id": {
        "description": "For the true label, once it is known; row n is `<prediction_id>/n`",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where the job is",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which to ask again",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Inference-Header-Content-Length": {
        "description": "Bytes of JSON before the binary tensors, if there are any",
        "schema": {"type": "integer", "minimum": 0},
    },
}
