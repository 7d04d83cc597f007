"""The operations that belong to no protocol: signs of life, metrics, and these documents."""

from collections.abc import Iterator
from dataclasses import replace

from service.web.answers import JSON
from service.web.openapi.operation import EDGE, Answer, Content, Operation, answers
from service.web.openapi.service_bodies import AliveAnswer, ReadinessAnswer
from service.web.openapi.v2_bodies import LiveAnswer


def operations() -> Iterator[Operation]:
    """All of them."""
    for sign in _signs():
        yield replace(sign, is_open=True)
    metrics = {200: Answer(
        "All workers' metrics; OpenMetrics if `Accept` asks for it",
        {"text/plain": Content(), "application/openmetrics-text": Content()},
    )}  # fmt: skip
    yield _get("/metrics", "metrics", "Metrics for Prometheus", metrics)
    yield _get("/monitoring/prometheus/metrics", "metricsOfTensorFlowServing",
               "The same where TensorFlow Serving has them", metrics)  # fmt: skip
    yield _get("/openapi.json", "openapi", "This document",
               {200: Answer("OpenAPI 3.1", {JSON: Content()})})  # fmt: skip
    yield _get("/docs", "docs", "This document to read",
               {200: Answer("A page", {"text/html": Content()})})  # fmt: skip


def _signs() -> Iterator[Operation]:
    yield _get("/", "alive", "A sign of life", answers("It is alive", AliveAnswer))
    yield _get("/livez", "live", "Whether the process answers", answers("It does", LiveAnswer))
    yield _get("/readyz", "ready", "Whether everything is loaded", _readiness())


def _readiness() -> dict[int, Answer]:
    return {
        200: Answer("Everything is loaded", {JSON: Content((ReadinessAnswer,))}),
        503: Answer("Something is not loaded yet", {JSON: Content((ReadinessAnswer,))}),
    }


def _get(path: str, name: str, summary: str, answered: dict[int, Answer]) -> Operation:
    return Operation("get", path, name, summary, "Service", answered, EDGE)
