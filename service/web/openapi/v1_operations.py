"""The operations of version 1, each with its ways to name a version."""

from collections.abc import Iterator
from typing import Any

from service.web.answers import JSON
from service.web.openapi import examples
from service.web.openapi.operation import (
    EDGE,
    LOADED,
    NAMED,
    PREDICTING,
    Answer,
    Content,
    Method,
    Operation,
    answers,
)
from service.web.openapi.v1_bodies import (
    ClassifyAnswer,
    ColumnAnswer,
    ColumnRequest,
    ExamplesRequest,
    MetadataAnswer,
    ModelsAnswer,
    RegressAnswer,
    RowAnswer,
    RowRequest,
    SampleAnswer,
    StatusAnswer,
)

MODEL = "/v1/models/{model}"
PLACES = {
    "": "",
    "/versions/{version}": " of one version",
    "/labels/{label}": " of the version with a label",
}
HEADERS = ("X-Prediction-Id",)
NAMES = {"": "", "/versions/{version}": "OfVersion", "/labels/{label}": "OfLabel"}


def operations() -> Iterator[Operation]:
    """All of version 1."""
    yield _operation("get", "/v1/models", "listModels", "Every model and version",
                     answers("What there is", ModelsAnswer), EDGE)  # fmt: skip
    for place, whose in PLACES.items():
        yield from _of_version(MODEL + place, NAMES[place], whose)
    yield _sample()


def _of_version(base: str, name: str, whose: str) -> Iterator[Operation]:
    yield Operation("get", base, f"status{name}", f"Status{whose}", "Protocol v1",
                    answers("The state of each version", StatusAnswer),
                    (*EDGE, *NAMED, *LOADED), ("ready",))  # fmt: skip
    yield _operation("get", f"{base}/metadata", f"metadata{name}", f"Signature{whose}",
                     answers("Names, types and shapes", MetadataAnswer))  # fmt: skip
    yield _predict(f"{base}:predict", f"predict{name}", f"Predictions{whose}")
    yield _verb(f"{base}:classify", f"classify{name}", f"Classes{whose}", ClassifyAnswer)
    yield _verb(f"{base}:regress", f"regress{name}", f"Numbers{whose}", RegressAnswer)


def _predict(path: str, name: str, summary: str) -> Operation:
    content = Content((RowRequest, ColumnRequest), examples.ROW_REQUEST)
    answered = Content((RowAnswer, ColumnAnswer), examples.ROW_ANSWER)
    described = "Predictions in the form that was asked in"
    return _prediction(path, name, summary, content, Answer(described, {JSON: answered}, HEADERS))


def _verb(
    path: str, name: str, summary: str, body: type[ClassifyAnswer | RegressAnswer]
) -> Operation:
    example: Any = examples.CLASSIFY_ANSWER if body is ClassifyAnswer else None
    content = Content((ExamplesRequest,), examples.EXAMPLES_REQUEST)
    answered = Answer("Results", {JSON: Content((body,), example)}, HEADERS)
    return _prediction(path, name, summary, content, answered)


def _prediction(
    path: str, name: str, summary: str, content: Content, answered: Answer
) -> Operation:
    return Operation(
        "post", path, name, summary, "Protocol v1", {200: answered},
        refusals=(*EDGE, *NAMED, *LOADED, *PREDICTING),
        parameters=("X-Request-Timeout-Ms",),
        request={JSON: content},
    )  # fmt: skip


def _sample() -> Operation:
    described = Answer(
        "A request that works as it is: all forms of it, or the one that was asked for as text",
        {JSON: Content((SampleAnswer,)), "text/plain": Content()},
    )
    return Operation(
        "get", f"{MODEL}/sample", "sample", "A ready request for a loaded model", "Protocol v1",
        {200: described}, refusals=(*EDGE, *NAMED, *LOADED), parameters=("format",),
    )  # fmt: skip


def _operation(
    method: Method,
    path: str,
    name: str,
    summary: str,
    answered: dict[int, Answer],
    refusals: tuple[int, ...] = (*EDGE, *NAMED, *LOADED),
) -> Operation:
    return Operation(method, path, name, summary, "Protocol v1", answered, refusals)
