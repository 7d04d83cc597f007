"""Every metric by its name; the process that scrapes sums the files of all workers.

prometheus_client decides when it is imported whether it counts in files: the launcher sets
PROMETHEUS_MULTIPROC_DIR in the environment of the web process before that.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from service.base.metric_room import RoomyDict


class ProcessId:
    """This process's id, asked for once and again after a fork.

    prometheus_client asks at every increment, twelve times a prediction; the system call was a
    seventh of the processor time of a prediction.
    """

    def __init__(self) -> None:
        self._refresh()
        os.register_at_fork(after_in_child=self._refresh)

    def __call__(self) -> int:
        """The id."""
        return self._id

    def _refresh(self) -> None:
        self._id = os.getpid()


def counts_in_files() -> bool:
    """True when this process counts in files that all workers share."""
    return str(values.ValueClass.__name__) == "MmapedValue"


if counts_in_files():
    values.MmapedDict = RoomyDict  # type: ignore[attr-defined]
    values.ValueClass = values.MultiProcessValue(ProcessId())  # type: ignore[no-untyped-call]


REGISTRY = CollectorRegistry()
LATENCY_BUCKETS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
)  # fmt: skip
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
MAX_CLASSES = 200
OTHER_CLASS = "_other"

PREDICT_REQUESTS = Counter(
    "kerasd_predict_requests_total",
    "Prediction requests by outcome: ok, invalid, error, rejected, timeout.",
    ["model", "version", "outcome"],
    registry=REGISTRY,
)
PREDICTIONS = Counter(
    "kerasd_predictions_total",
    "Predicted instances by predicted class.",
    ["model", "version", "class"],
    registry=REGISTRY,
)
PREDICT_DURATION = Histogram(
    "kerasd_predict_duration_seconds",
    "Time of a prediction request by stage: queue, decode, infer, encode, total.",
    ["model", "version", "stage"],
    buckets=LATENCY_BUCKETS,
    registry=REGISTRY,
)
BATCH_ROWS = Histogram(
    "kerasd_predict_batch_rows",
    "Instances in one prediction request.",
    ["model", "version"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
    registry=REGISTRY,
)
PREDICT_REJECTED = Counter(
    "kerasd_predict_rejected_total",
    "Prediction requests refused before they ran: queue_full, not_ready.",
    ["model", "reason"],
    registry=REGISTRY,
)
QUEUE_REQUESTS = Gauge(
    "kerasd_predict_queue_requests",
    "Prediction requests that wait for a run in a thread, or are in one.",
    ["model"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
LAST_PREDICTION = Gauge(
    "kerasd_predict_last_timestamp_seconds",
    "When a version last answered.",
    ["model", "version"],
    multiprocess_mode="max",
    registry=REGISTRY,
)
EXECUTIONS = Counter(
    "kerasd_predict_executions_total",
    "Runs of a version by the number of rows in the run; sizes above 32 by the next power of two.",
    ["model", "version", "rows"],
    registry=REGISTRY,
)
EXECUTION_SECONDS = Counter(
    "kerasd_predict_execution_seconds_total",
    "Time of these runs by stage: gather, run, split.",
    ["model", "version", "rows", "stage"],
    registry=REGISTRY,
)
PREDICTION_PROBABILITY = Histogram(
    "kerasd_prediction_probability",
    "Predicted instances by the probability of the class that was decided for.",
    ["model", "version"],
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
    registry=REGISTRY,
)
PREDICTIONS_UNRECORDED = Counter(
    "kerasd_predictions_unrecorded_total",
    "Predictions that should have been recorded for feedback and weren't, as too many waited.",
    ["model"],
    registry=REGISTRY,
)
CAPTURED_ROWS = Counter(
    "kerasd_captured_rows_total",
    "Rows whose inputs were to be captured: kept, dropped (too many waited), failed (the disk).",
    ["model", "outcome"],
    registry=REGISTRY,
)
CANARY_REQUESTS = Counter(
    "kerasd_canary_requests_total",
    "Requests of a model with a canary that named no version, by who got them: canary, current.",
    ["model", "version", "arm"],
    registry=REGISTRY,
)
SHADOW_REQUESTS = Counter(
    "kerasd_shadow_requests_total",
    "Copies of requests for a shadow version: compared, dropped, failed, incompatible.",
    ["model", "version", "outcome"],
    registry=REGISTRY,
)
SHADOW_ROWS = Counter(
    "kerasd_shadow_rows_total",
    "Instances that a shadow version answered as the current one did, or not: agrees true, false.",
    ["model", "version", "agrees"],
    registry=REGISTRY,
)
SHADOW_DURATION = Histogram(
    "kerasd_shadow_duration_seconds",
    "Time of a shadow version's run and decision, as the stage infer of the current one.",
    ["model", "version"],
    buckets=LATENCY_BUCKETS,
    registry=REGISTRY,
)
SHADOW_DIFFERENCE = Histogram(
    "kerasd_shadow_difference",
    "Largest difference between two numbers of a request's outputs by the shadow and the current.",
    ["model", "version"],
    buckets=(1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000),
    registry=REGISTRY,
)
MODEL_LOADS = Counter(
    "kerasd_model_loads_total",
    "Versions loaded by web workers, by outcome: ok, failed.",
    ["model", "outcome"],
    registry=REGISTRY,
)
MODEL_LOAD_DURATION = Histogram(
    "kerasd_model_load_duration_seconds",
    "Time a web worker takes to load and warm one version.",
    ["model"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
MODEL_DRAIN = Histogram(
    "kerasd_model_drain_duration_seconds",
    "Time from when a version had to give way until its last lease ended and it was closed.",
    ["model"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
MODEL_EVICTIONS = Counter(
    "kerasd_model_evictions_total",
    "Versions that gave way because the memory for loaded models was needed for others.",
    ["model"],
    registry=REGISTRY,
)
LOADED_BYTES = Gauge(
    "kerasd_models_loaded_bytes",
    "Memory of the loaded versions: how much the workers grew when they loaded them.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
MEMORY_BUDGET = Gauge(
    "kerasd_model_memory_budget_bytes",
    "Memory that loaded versions may take, over all workers; 0 = as much as they need.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
MODEL_WARM_UP = Histogram(
    "kerasd_model_warm_up_duration_seconds",
    "Time a web worker takes to answer a version's sample requests before anybody else's.",
    ["model"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
HTTP_DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time of an HTTP request, by OpenTelemetry's semantic conventions.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=HTTP_BUCKETS,
    registry=REGISTRY,
)
UPLOADS = Counter(
    "kerasd_uploads_total",
    "Uploads that were received whole, by outcome: published, repeated, refused, failed.",
    ["outcome"],
    registry=REGISTRY,
)
HTTP_REFUSED = Counter(
    "kerasd_http_refused_total",
    "Requests refused before they were read whole, by status.",
    ["status"],
    registry=REGISTRY,
)
ACCESS_REFUSED = Counter(
    "kerasd_access_refused_total",
    "Requests refused for who asks: unauthenticated, forbidden, rate_exceeded.",
    ["reason"],
    registry=REGISTRY,
)
WORKER_STARTS = Counter(
    "kerasd_worker_starts_total", "Web worker processes started.", registry=REGISTRY
)
WORKER_MEMORY = Gauge(
    "kerasd_worker_resident_memory_bytes",
    "Resident memory of the web workers.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
