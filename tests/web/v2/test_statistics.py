"""Statistics out of counters: the sums of all workers, in Triton's form."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.web.v2.statistics import (
    EXECUTION_SECONDS,
    EXECUTIONS,
    LAST,
    REQUESTS,
    model_stats,
)

DURATION = "kerasd_predict_duration_seconds"
ROWS = "kerasd_predict_batch_rows"


class Counters:
    """The service's own metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = kept = CollectorRegistry()
        names = ["model", "version"]
        parts = [*names, "rows", "stage"]
        self.requests = Counter(REQUESTS, "-", [*names, "outcome"], registry=kept)
        self.seconds = Histogram(DURATION, "-", [*names, "stage"], registry=kept)
        self.rows = Histogram(ROWS, "-", names, registry=kept)
        self.runs = Counter(EXECUTIONS, "-", [*names, "rows"], registry=kept)
        self.run_seconds = Counter(EXECUTION_SECONDS, "-", parts, registry=kept)
        self.last = Gauge(LAST, "-", names, registry=kept)

    def fill(self, model: str, version: str) -> None:
        for outcome, count in (("ok", 3), ("invalid", 9), ("error", 1), ("timeout", 2)):
            self.requests.labels(model, version, outcome).inc(count)
        stages = {"queue": 0.25, "decode": 0.5, "infer": 1, "encode": 0.125, "total": 2}
        for stage, took in stages.items():
            for _ in range(3):
                self.seconds.labels(model, version, stage).observe(took)
        for asked in (1, 1, 32):
            self.rows.labels(model, version).observe(asked)
        for rows in ("32", "2"):
            self.runs.labels(model, version, rows).inc()
            for stage, took in (("gather", 0.5), ("run", 2), ("split", 0.25)):
                self.run_seconds.labels(model, version, rows, stage).inc(took)
        self.last.labels(model, version).set(1767225600.5)


def duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": round(seconds * 1e9)}


def batch(rows: int) -> dict[str, object]:
    return {
        "batch_size": rows,
        "compute_input": duration(1, 0.5),
        "compute_infer": duration(1, 2),
        "compute_output": duration(1, 0.25),
    }


def test_a_version_that_has_answered() -> None:
    counters = Counters()
    counters.fill("churn", "7")
    counters.fill("other", "1")
    assert model_stats(counters.registry.collect(), [("churn", 7)]) == {
        "model_stats": [
            {
                "name": "churn",
                "version": "7",
                "last_inference": 1767225600500,
                "inference_count": 34,
                "execution_count": 2,
                "inference_stats": {
                    "success": duration(3, 6),
                    "fail": duration(3, 0),
                    "queue": duration(3, 0.75),
                    "compute_input": duration(3, 1.5),
                    "compute_infer": duration(3, 3),
                    "compute_output": duration(3, 0.375),
                    "cache_hit": duration(0, 0),
                    "cache_miss": duration(0, 0),
                },
                "response_stats": {},
                "batch_stats": [batch(2), batch(32)],
                "memory_usage": [],
            }
        ]
    }


def test_versions_come_in_order_and_those_without_a_request_with_zeros() -> None:
    stats = model_stats([], [("b", 1), ("a", 10), ("a", 9)])["model_stats"]
    assert [(entry["name"], entry["version"]) for entry in stats] == [
        ("a", "9"), ("a", "10"), ("b", "1"),
    ]  # fmt: skip
    assert stats[0]["last_inference"] == stats[0]["inference_count"] == 0
    assert stats[0]["batch_stats"] == []


def test_the_latest_worker_says_when_the_last_answer_was() -> None:
    first, second = Counters(), Counters()
    first.last.labels("m", "1").set(20)
    second.last.labels("m", "1").set(10)
    families = [*first.registry.collect(), *second.registry.collect()]
    assert model_stats(families, [("m", 1)])["model_stats"][0]["last_inference"] == 20_000
