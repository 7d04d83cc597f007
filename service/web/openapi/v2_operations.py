"""The operations of the Open Inference Protocol, each with its ways to name a version."""

from collections.abc import Iterator
from dataclasses import replace

from service.web.answers import JSON
from service.web.openapi import examples
from service.web.openapi.operation import (
    BINARY,
    EDGE,
    LOADED,
    NAMED,
    PREDICTING,
    Answer,
    Content,
    Operation,
    answers,
)
from service.web.openapi.v2_bodies import (
    ControlRequest,
    IndexAnswer,
    IndexRequest,
    InferAnswer,
    InferRequest,
    LiveAnswer,
    LoadAnswer,
    LogAnswer,
    LogRequest,
    ModelConfiguration,
    ModelMetadata,
    ModelNames,
    ModelReady,
    ReadyAnswer,
    ServerMetadata,
    StatisticsAnswer,
    UnloadAnswer,
)

MODEL = "/v2/models/{model}"
PLACES = {
    "": ("", ""),
    "/versions/{version}": ("OfVersion", " of one version"),
}
HEADER_LENGTH = "Inference-Header-Content-Length"
OF_MODEL = (*EDGE, *NAMED, *LOADED)


def operations() -> Iterator[Operation]:
    """All of version 2."""
    yield _get("/v2", "serverMetadata", "The server and its extensions",
               answers("The server", ServerMetadata), EDGE)  # fmt: skip
    yield from _signs()
    yield _get("/v2/models", "modelNames", "The names of all models",
               answers("The names", ModelNames), EDGE)  # fmt: skip
    yield _get("/v2/models/stats", "allStatistics", "Counts of all models",
               answers("Counts", StatisticsAnswer), EDGE)  # fmt: skip
    for place, (name, whose) in PLACES.items():
        yield from _of_version(MODEL + place, name, whose)
    yield from _repository()
    yield _get("/v2/logging", "logSettings", "What is logged",
               answers("The settings", LogAnswer), EDGE)  # fmt: skip
    yield Operation(
        "post", "/v2/logging", "setLogSettings", "What is logged; it can't be changed here",
        "Protocol v2", answers("The settings", LogAnswer), refusals=(*EDGE, 501),
        request={JSON: Content((LogRequest,))}, is_request_required=False,
    )  # fmt: skip


def _signs() -> Iterator[Operation]:
    live = _get("/v2/health/live", "serverLive", "Whether the process answers",
                answers("It does", LiveAnswer), EDGE)  # fmt: skip
    ready = _get("/v2/health/ready", "serverReady", "Whether everything is loaded", _ready(), EDGE)
    for sign in (live, ready):
        yield replace(sign, is_open=True)


def _of_version(base: str, name: str, whose: str) -> Iterator[Operation]:
    yield _get(base, f"modelMetadata{name}", f"Inputs and outputs{whose}",
               answers("Names, types and shapes", ModelMetadata))  # fmt: skip
    yield _get(f"{base}/ready", f"modelReady{name}", f"Readiness{whose}",
               answers("It is loaded", ModelReady))  # fmt: skip
    yield _get(f"{base}/config", f"modelConfiguration{name}", f"Configuration{whose}",
               answers("How it is run", ModelConfiguration))  # fmt: skip
    yield _get(f"{base}/stats", f"modelStatistics{name}", f"Counts{whose}",
               answers("Counts", StatisticsAnswer))  # fmt: skip
    yield _infer(base, name, whose)


def _infer(base: str, name: str, whose: str) -> Operation:
    answered = Answer(
        "The outputs; in binary form if one of them was asked for in it",
        {JSON: Content((InferAnswer,), examples.INFER_ANSWER), BINARY: Content()},
        (HEADER_LENGTH, "X-Prediction-Id"),
    )
    return Operation(
        "post", f"{base}/infer", f"infer{name}", f"Predictions{whose}", "Protocol v2",
        {200: answered},
        refusals=(*OF_MODEL, *PREDICTING),
        parameters=("X-Request-Timeout-Ms", HEADER_LENGTH),
        request={JSON: Content((InferRequest,), examples.INFER_REQUEST), BINARY: Content()},
    )  # fmt: skip


def _repository() -> Iterator[Operation]:
    yield Operation(
        "post", "/v2/repository/index", "repositoryIndex", "Every version in the repository",
        "Protocol v2", answers("The versions", IndexAnswer),
        request={JSON: Content((IndexRequest,))}, is_request_required=False,
    )  # fmt: skip
    for verb, body in (("load", LoadAnswer), ("unload", UnloadAnswer)):
        yield Operation(
            "post", f"/v2/repository/models/{{model}}/{verb}", f"{verb}Model",
            f"{verb.capitalize()} a model", "Protocol v2", answers("Done", body),
            refusals=OF_MODEL,
            request={JSON: Content((ControlRequest,))}, is_request_required=False,
        )  # fmt: skip


def _ready() -> dict[int, Answer]:
    return {
        200: Answer("Everything is loaded", {JSON: Content((ReadyAnswer,))}),
        503: Answer("Something is not loaded yet", {JSON: Content((ReadyAnswer,))}),
    }


def _get(
    path: str,
    name: str,
    summary: str,
    answered: dict[int, Answer],
    refusals: tuple[int, ...] = OF_MODEL,
) -> Operation:
    return Operation("get", path, name, summary, "Protocol v2", answered, refusals)
