"""Parameters of paths, queries and headers, and headers of answers, each described once."""

from typing import Any

from service.base.names import MODEL_NAME, VERSION_NUMBER
from service.web.openapi import examples

Json = dict[str, Any]


def _in_path(name: str, description: str, pattern: str, example: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": f"^{pattern}$"},
        "example": example,
    }


PARAMETERS: dict[str, Json] = {
    "model": _in_path("model", "Name of a model", MODEL_NAME.pattern, examples.MODEL),
    "version": _in_path("version", "Number of a version", VERSION_NUMBER.pattern, "1"),
    "label": _in_path("label", "Label of a version, from model.yaml", "[^/:]+", "stable"),
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
    "Retry-After": {
        "description": "Seconds after which to ask again",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Inference-Header-Content-Length": {
        "description": "Bytes of JSON before the binary tensors, if there are any",
        "schema": {"type": "integer", "minimum": 0},
    },
}
