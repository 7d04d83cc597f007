"""Overview: is everything answered, fast enough, and by which versions?"""

from dashboards.frame import Page, Row
from dashboards.panels import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    About,
    Panel,
    graph,
    number,
    rows,
    states,
)  # fmt: skip
from dashboards.queries import Query, quantile, share

REQUESTS = "kerasd_predict_requests_total"
DURATION = 'kerasd_predict_duration_seconds_bucket{<version>, stage="total"}'
BURN = "job_model:kerasd_error_budget_burn:ratio_rate"
FAILING = "job_model:kerasd_predict_failures_per_request:ratio_rate"
FAILED = f'sum(rate({REQUESTS}{{<version>, outcome=~"error|timeout|rejected"}}[rate]))'
ASKED = f'sum(rate({REQUESTS}{{<version>, outcome!="invalid"}}[rate]))'


def overview() -> Page:
    """The first page to look at."""
    return Page(
        uid="kerasd-overview",
        title="kerasd / Overview",
        description="Traffic, errors, latency, readiness, versions and the error budget.",
        rows=(
            Row("Now", _now()),
            Row("Requests", _requests()),
            Row("Versions", (*_versions(), *_directions(), *_changes())),
            Row("Error budget", _budget()),
        ),
    )


def _now() -> tuple[Panel, ...]:
    return (
        number(
            About("Requests", "Prediction requests a second, of all outcomes.", "reqps", 4, 4),
            Query(f"sum(rate({REQUESTS}{{<version>}}[rate]))"),
        ),
        number(
            About(
                "Failed",
                "Requests that failed, timed out or were rejected, of all but the invalid ones.",
                "percentunit", 4, 4,
            ),
            Query(share(FAILED, ASKED)),
            ((None, GREEN), (0.001, YELLOW), (0.01, RED)),
        ),
        number(
            About("99th percentile", "One request in a hundred takes longer.", "s", 4, 4),
            Query(f"histogram_quantile(0.99, sum by (le) (rate({DURATION}[rate])))"),
            ((None, GREEN), (0.25, YELLOW), (0.5, RED)),
        ),
        number(
            About("Not ready", "Versions that not every worker answers for.", "short", 4, 4),
            Query(
                "count(kerasd_model_ready{<version>} == 0)"
                " or 0 * count(kerasd_model_info{<version>})"
            ),
            ((None, GREEN), (1, RED)),
        ),
        number(
            About(
                "Error budget burn",
                "How much faster than it lasts it is used up, by the model that is worst off.",
                "short", 4, 4,
            ),
            Query(f"max({BURN}1h{{<rule model>}})"),
            ((None, GREEN), (1, YELLOW), (6, RED)),
        ),
        number(
            About("Alerts", "Alerts of kerasd that fire.", "short", 4, 4),
            Query(
                'count(ALERTS{alertname=~"Kerasd.+", alertstate="firing", job=~"$job"})'
                " or 0 * count(kerasd_build_info{<target>})"
            ),
            ((None, GREEN), (1, RED)),
        ),
    )  # fmt: skip


def _requests() -> tuple[Panel, ...]:
    return (
        graph(
            About("Requests by outcome", "ok, invalid, error, rejected, timeout.", "reqps"),
            Query(f"sum by (outcome) (rate({REQUESTS}{{<version>}}[rate]))", "{{outcome}}"),
            stacked=True,
        ),
        graph(
            About("Requests by version", "Who answers how much.", "reqps"),
            Query(
                f"sum by (model, version) (rate({REQUESTS}{{<version>}}[rate]))",
                "{{model}} {{version}}",
            ),
            stacked=True,
        ),
        graph(
            About("Latency", "From the first byte that was read to the encoded answer.", "s"),
            *(
                Query(f"histogram_quantile({which}, sum by (le) (rate({DURATION}[rate])))", words)
                for which, words in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
            ),
        ),
        graph(
            About("Latency by version", "99th percentile.", "s"),
            Query(quantile(0.99, DURATION, "model, version"), "{{model}} {{version}}"),
        ),
        graph(
            About("HTTP answers by status", "Of all routes.", "reqps"),
            Query(
                "sum by (http_response_status_code) "
                "(rate(http_server_request_duration_seconds_count{<target>}[rate]))",
                "{{http_response_status_code}}",
            ),
            stacked=True,
        ),
        graph(
            About("Instances by class", "What is predicted, of all versions.", "cps"),
            Query("sum by (class) (rate(kerasd_predictions_total{<version>}[rate]))", "{{class}}"),
            stacked=True,
        ),
    )


def _versions() -> tuple[Panel, ...]:
    state = "max by (model, version, state) (kerasd_model_state{<version>})"
    columns = "model, version, alias, format, keras_version, sha256"
    info = f"max by ({columns}) (kerasd_model_info{{<version>}})"
    return (
        rows(
            About("Versions", "What is in the repository, how it is, and its labels.", "none", 24),
            Query(f"{info} * on (model, version) group_left (state) {state}", instant=True),
            names={
                "model": "Model", "version": "Version", "state": "State", "alias": "Labels",
                "format": "Format", "keras_version": "Keras", "sha256": "SHA-256",
            },
        ),
        states(
            About("Ready", "1 when every worker answers for the version.", "none"),
            Query(
                "min by (model, version) (kerasd_model_ready{<version>})", "{{model}} {{version}}"
            ),
            words={"0": ("not ready", RED), "1": ("ready", GREEN)},
        ),
        states(
            About("Current version", "Which version answers requests that name none.", "none"),
            Query(
                "max by (model, version) (kerasd_model_current{<version>})", "{{model}} {{version}}"
            ),
            words={"1": ("current", BLUE)},
        ),
    )  # fmt: skip


def _directions() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Shares of the traffic",
                "Of the requests that name no version: current, canary; copies for the shadow.",
                "percent",
            ),
            Query(
                "max by (model, version, arm) (kerasd_model_traffic_percent{<version>})",
                "{{model}} {{version}} {{arm}}",
            ),
            top=100,
        ),
        graph(
            About("Since the last answer", "What nobody asks for can be retired.", "s"),
            Query(
                "time() - max by (model, version) "
                "(kerasd_predict_last_timestamp_seconds{<version>})",
                "{{model}} {{version}}",
            ),
        ),
        graph(
            About("Revisions", "Rises with each change of where a model's requests go.", "none"),
            Query("max by (model) (kerasd_model_route_revision{<model>})", "{{model}}"),
        ),
    )  # fmt: skip


def _changes() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Workers that fail",
                "Workers that could not load a version and try again, or gave up. "
                "No data while every worker has what it should.",
                "none",
            ),
            Query(
                "sum by (model, version, state) "
                '(kerasd_model_workers{<version>, state=~"FAILED|RETRYING"})',
                "{{model}} {{version}} {{state}}",
            ),
        ),
        graph(
            About(
                "Swaps",
                "How often another version became current, by reason. "
                "No data while there was none.",
                "none",
            ),
            Query(
                "max by (model, reason) (kerasd_model_swaps_total{<model>})", "{{model}} {{reason}}"
            ),
        ),
    )  # fmt: skip


def _budget() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Error budget burn over time",
                "1 uses the budget (one request in a thousand) up in exactly its month. "
                "Alerts: 14.4 over an hour and five minutes, 6 over six hours and thirty minutes.",
                "short",
            ),
            *(
                Query(
                    f"max by (model) ({BURN}{window}{{<rule model>}})",
                    f"{{{{model}}}} {window}",
                )
                for window in ("5m", "1h", "6h")
            ),
        ),
        graph(
            About(
                "Failed requests", "Of those that could be answered, over an hour.", "percentunit"
            ),
            Query(
                f"max by (model) ({FAILING}1h{{<rule model>}})",
                "{{model}}",
            ),
        ),
    )
