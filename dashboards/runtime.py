"""Runtime: where the time goes, what waits, what is refused, what the workers take."""

from dashboards.compared import shadow, shares
from dashboards.frame import Page, Row
from dashboards.panels import About, Panel, graph, heat
from dashboards.queries import Query, quantile

DURATION = "kerasd_predict_duration_seconds"
RUNS = "kerasd_predict_executions_total"
RUN_SECONDS = "kerasd_predict_execution_seconds_total"


def runtime() -> Page:
    """The page for those who run the service."""
    return Page(
        uid="kerasd-runtime",
        title="kerasd / Runtime",
        description="Stages, batches, queues, refusals, loading, memory and scrapes.",
        rows=(
            Row("Stages", _stages()),
            Row("Batches and queue", _batches()),
            Row("Refused", _refused()),
            Row("Loading", (*_loading(), *_giving_way())),
            Row("Canary and shadow", (*shares(), *shadow())),
            Row("Processes", _processes()),
        ),
    )


def _stages() -> tuple[Panel, ...]:
    total = f'sum by (stage) (rate({DURATION}_sum{{<version>, stage!="total"}}[rate]))'
    count = f'sum by (stage) (rate({DURATION}_count{{<version>, stage!="total"}}[rate]))'
    return (
        graph(
            About("Mean time by stage", "Time a request: queue, decode, infer, encode.", "s"),
            Query(f"{total} / ({count} > 0)", "{{stage}}"),
            stacked=True,
        ),
        graph(
            About("99th percentile by stage", "These don't add up to that of the whole.", "s"),
            Query(quantile(0.99, f"{DURATION}_bucket{{<version>}}", "stage"), "{{stage}}"),
        ),
        heat(
            About("Latency", "How many requests took how long.", "s", 24),
            Query(
                f'sum by (le) (increase({DURATION}_bucket{{<version>, stage="total"}}[rate]))',
                "{{le}}", heatmap=True,
            ),
        ),
    )  # fmt: skip


def _batches() -> tuple[Panel, ...]:
    rows = "kerasd_predict_batch_rows"
    requests = 'sum by (model) (rate(kerasd_predict_requests_total{<version>, outcome="ok"}[rate]))'
    return (
        heat(
            About("Instances a request", "What clients send at once.", "short"),
            Query(
                f"sum by (le) (increase({rows}_bucket{{<version>}}[rate]))", "{{le}}", heatmap=True
            ),
        ),
        graph(
            About("Requests a run", "Above 1, requests are joined in batches.", "short"),
            Query(
                f"{requests} / (sum by (model) (rate({RUNS}{{<version>}}[rate])) > 0)", "{{model}}"
            ),
        ),
        graph(
            About("Runs by size", "Rows in a run; above 32 by the next power of two.", "ops"),
            Query(f"sum by (rows) (rate({RUNS}{{<version>}}[rate]))", "{{rows}} rows"),
            stacked=True,
        ),
        graph(
            About("Time of a run", "Gathering the rows, running, splitting the answer.", "s"),
            Query(
                f"sum by (stage) (rate({RUN_SECONDS}{{<version>}}[rate]))"
                f" / on () group_left () (sum(rate({RUNS}{{<version>}}[rate])) > 0)",
                "{{stage}}",
            ),
            stacked=True,
        ),
        graph(
            About("Waiting", "Requests that wait for a run in a thread, or are in one.", "short"),
            Query("sum by (model) (kerasd_predict_queue_requests{<model>})", "{{model}}"),
        ),
        graph(
            About("Busy", "Processor seconds a second that runs take.", "percentunit"),
            Query(f"sum by (model) (rate({RUN_SECONDS}{{<version>}}[rate]))", "{{model}}"),
        ),
    )


def _refused() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Predictions refused",
                "The queue is full, or no version is loaded. No data while none was refused.",
                "reqps", 8,
            ),
            Query(
                "sum by (model, reason) (rate(kerasd_predict_rejected_total{<model>}[rate]))",
                "{{model}} {{reason}}",
            ),
        ),
        graph(
            About(
                "Requests not read whole",
                "Too large, too slow, no HTTP: by status. No data while there was none.",
                "reqps", 8,
            ),
            Query(
                "sum by (status) (rate(kerasd_http_refused_total{<target>}[rate]))", "{{status}}"
            ),
        ),
        graph(
            About(
                "Callers refused",
                "No key, a key without the role, too many requests. No data while there was none.",
                "reqps", 8,
            ),
            Query(
                "sum by (reason) (rate(kerasd_access_refused_total{<target>}[rate]))", "{{reason}}"
            ),
        ),
    )  # fmt: skip


def _loading() -> tuple[Panel, ...]:
    return (
        graph(
            About("Versions loaded", "By workers, since they started: ok, failed.", "none", 8),
            Query(
                "sum by (model, outcome) (kerasd_model_loads_total{<model>})",
                "{{model}} {{outcome}}",
            ),
        ),
        graph(
            About("Time to load", "Mean since the start, warm-up included.", "s", 8),
            Query(
                "sum by (model) (kerasd_model_load_duration_seconds_sum{<model>})"
                " / (sum by (model) (kerasd_model_load_duration_seconds_count{<model>}) > 0)",
                "{{model}}",
            ),
        ),
        graph(
            About("Time to warm up", "Mean since the start: sample requests.", "s", 8),
            Query(
                "sum by (model) (kerasd_model_warm_up_duration_seconds_sum{<model>})"
                " / (sum by (model) (kerasd_model_warm_up_duration_seconds_count{<model>}) > 0)",
                "{{model}}",
            ),
        ),
    )  # fmt: skip


def _giving_way() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Time to give way",
                "Mean since the start, until a version's last request was answered. "
                "No data while none had to.",
                "s", 8,
            ),
            Query(
                "sum by (model) (kerasd_model_drain_duration_seconds_sum{<model>})"
                " / (sum by (model) (kerasd_model_drain_duration_seconds_count{<model>}) > 0)",
                "{{model}}",
            ),
        ),
        graph(
            About("Memory of models", "Loaded versions, and the budget; 0 is none.", "bytes", 8),
            *(
                Query(f"sum by (instance) ({metric}{{<target>}})", f"{{{{instance}}}} {words}")
                for metric, words in (
                    ("kerasd_models_loaded_bytes", "loaded"),
                    ("kerasd_model_memory_budget_bytes", "budget"),
                )
            ),
        ),
        graph(
            About(
                "Evictions",
                "Versions that gave way to others. No data while memory was never short.",
                "none", 8,
            ),
            Query(
                "sum by (model) (increase(kerasd_model_evictions_total{<model>}[rate]))",
                "{{model}}",
            ),
        ),
    )  # fmt: skip


def _processes() -> tuple[Panel, ...]:
    return (
        graph(
            About("Memory of the workers", "Resident, of all workers of an instance.", "bytes", 8),
            Query(
                "sum by (instance) (kerasd_worker_resident_memory_bytes{<target>})", "{{instance}}"
            ),
        ),
        graph(
            About("Worker starts", "Since the service started; each step is a worker.", "none", 8),
            Query("sum by (instance) (kerasd_worker_starts_total{<target>})", "{{instance}}"),
        ),
        graph(
            About("Uploads", "By outcome. No data while there was none.", "none", 8),
            Query("sum by (outcome) (kerasd_uploads_total{<target>})", "{{outcome}}"),
        ),
        graph(
            About("Time of a scrape", "Should stay below 0.1 s.", "s", 8),
            Query("scrape_duration_seconds{<target>}", "{{instance}}"),
        ),
        graph(
            About("Series a scrape", "How many figures a scrape brings.", "none", 8),
            Query("scrape_samples_scraped{<target>}", "{{instance}}"),
        ),
        graph(
            About("Targets", "1 when the last scrape succeeded.", "none", 8),
            Query("up{<target>}", "{{instance}}"),
            top=1,
        ),
        graph(
            About(
                "Since the controller's last turn",
                "By the database that an instance reads. It rises while the controller is away, "
                "hangs or fails.",
                "s",
            ),
            Query(
                "time() - max by (instance) "
                "(kerasd_controller_last_step_timestamp_seconds{<target>})",
                "{{instance}}",
            ),
        ),
        graph(
            About(
                "Since the repository was last mirrored",
                "By who mirrors it. No data while it isn't at an address.",
                "s",
            ),
            Query(
                "time() - max by (instance, process) "
                "(kerasd_remote_repository_last_sync_timestamp_seconds{<target>})",
                "{{instance}} {{process}}",
            ),
        ),
    )
