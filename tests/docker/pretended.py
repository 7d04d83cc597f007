"""A target that tells of quality and training as the service does, with figures of the test."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

STORE = {"store": "s1", "model": "cancer"}
ONE = {**STORE, "version": "1"}
RIGHT_AND_WRONG = {("healthy", "healthy"): 988, ("healthy", "ill"): 3,
                   ("ill", "healthy"): 7, ("ill", "ill"): 2}  # fmt: skip
SCORES = {
    ("accuracy", ""): 0.99, ("f1", "macro"): 0.6403, ("balanced_accuracy", ""): 0.6096,
    ("mcc", ""): 0.2935, ("kappa", ""): 0.2811, ("lift", ""): -0.001,
    ("no_information_rate", ""): 0.991,
}  # fmt: skip


class Pretended:
    """Counters begin at 0, as those of the service do for each class of each version."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        for true, said in RIGHT_AND_WRONG:
            self._confuse(true, said, 0)
        self._other_version(0)
        self._count("kerasd_feedback_corrections", 0, **ONE)
        self._count("kerasd_feedback_rejected", 0, **STORE, reason="unknown_id")
        self._gauges()
        self._train()

    def tell_labels(self) -> None:
        """All thousand labels arrive, some late, one of them a correction, one refused."""
        for (true, said), rows in RIGHT_AND_WRONG.items():
            self._confuse(true, said, rows)
        self._other_version(100)
        self._count("kerasd_feedback_corrections", 1, **ONE)
        self._count("kerasd_feedback_rejected", 1, **STORE, reason="unknown_id")
        self._delay.labels(**STORE).observe(90)
        self._probability.labels("cancer", "1").observe(0.97)
        for said, rows in (("healthy", 995), ("ill", 5)):
            self._count("kerasd_predictions", rows, model="cancer", version="1", **{"class": said})

    def _confuse(self, true: str, said: str, rows: int) -> None:
        cells = {"true_class": true, "predicted_class": said}
        self._count("kerasd_feedback_confusion", rows, **ONE, **cells)
        self._count("kerasd_feedback_rows", rows, **ONE)
        for name, of, is_one in (
            ("true_positives", true, true == said),
            ("false_negatives", true, true != said),
            ("false_positives", said, true != said),
        ):
            self._count(f"kerasd_feedback_{name}", rows * is_one, **ONE, **{"class": of})

    def _other_version(self, rows: int) -> None:
        cells = {"true_class": "ill", "predicted_class": "ill"}
        self._count("kerasd_feedback_confusion", rows, **STORE, version="2", **cells)

    def _count(self, name: str, by: float, **labels: str) -> None:
        if name not in self._counters:
            self._counters[name] = Counter(name, "A counter.", list(labels), registry=self.registry)
        self._counters[name].labels(**labels).inc(by)

    def _set(self, name: str, *told: tuple[float, dict[str, str]]) -> None:
        gauge = Gauge(name, "A gauge.", list(told[0][1]), registry=self.registry)
        for value, labels in told:
            gauge.labels(**labels).set(value)

    def _gauges(self) -> None:
        window = {**ONE, "window": "1d"}
        for name in ("kerasd_build_info", "kerasd_model_info", "kerasd_model_traffic_percent"):
            self._set(name, (100, {"model": "cancer", "version": "1"}))
        self._set(
            "kerasd_quality_ratio",
            *(
                (value, {**window, "metric": metric, "average": average})
                for (metric, average), value in SCORES.items()
            ),
        )
        self._set(
            "kerasd_quality_class_ratio",
            *(
                (0.2, {**window, "metric": m, "class": "ill"})
                for m in ("precision", "recall", "f1")
            ),
        )
        self._set(
            "kerasd_quality_error",
            *((0.5, {**window, "metric": metric}) for metric in ("mae", "rmse", "bias")),
        )
        for name in (
            "kerasd_quality_rows", "kerasd_feedback_coverage_ratio",
            "kerasd_quality_estimated_accuracy_ratio", "kerasd_quality_estimate_gap_ratio",
        ):  # fmt: skip
            self._set(name, (1, window))
        evaluated = {**ONE, "dataset": "validation"}
        self._set(
            "kerasd_model_evaluation_score",
            *((0.98, {**evaluated, "metric": metric}) for metric in ("accuracy", "f1_macro")),
        )
        self._set(
            "kerasd_model_evaluation_class_score",
            (0.6, {**evaluated, "metric": "recall", "class": "ill"}),
        )
        self._set(
            "kerasd_model_class_baseline_ratio",
            (0.99, {**ONE, "class": "healthy"}), (0.01, {**ONE, "class": "ill"}),
        )  # fmt: skip
        self._delay = Histogram(
            "kerasd_feedback_delay_seconds", "A delay.", list(STORE),
            buckets=(60, 3600, 86400), registry=self.registry,
        )  # fmt: skip
        self._delay.labels(**STORE)
        self._probability = Histogram(
            "kerasd_prediction_probability", "A probability.", ["model", "version"],
            buckets=(0.5, 0.9, 0.99), registry=self.registry,
        )  # fmt: skip

    def _train(self) -> None:
        model = {"model": "cancer"}
        for outcome in ("succeeded", "failed"):
            self._count("kerasd_training_runs", 0, **model, trigger="api", outcome=outcome)
        for name in (
            "in_progress", "epoch", "epochs_planned", "learning_rate", "schedule_interval_seconds",
            "last_progress_timestamp_seconds", "last_success_timestamp_seconds",
        ):  # fmt: skip
            self._set(f"kerasd_training_{name}", (1, model))
        self._set("kerasd_training_loss", (0.1, {**model, "split": "validation"}))
        duration = Histogram(
            "kerasd_training_duration_seconds", "A duration.", list(model), registry=self.registry
        )
        duration.labels(**model).observe(3)


@contextmanager
def pretending(replicas: int) -> Iterator[tuple[Pretended, list[str]]]:
    """The target, and its addresses: replicas on one database, which tell the same."""
    target = Pretended()
    served = [
        start_http_server(0, addr="127.0.0.1", registry=target.registry) for _ in range(replicas)
    ]
    try:
        yield target, [f"http://127.0.0.1:{server.server_port}" for server, _ in served]
    finally:
        for server, thread in served:
            server.shutdown()
            server.server_close()
            thread.join()
