"""Canary and shadow: what another version would do, before it is the current one."""

from dashboards.panels import About, Panel, graph, heat
from dashboards.queries import Query, quantile, share

SHADOW = "kerasd_shadow_duration_seconds"


def shares() -> tuple[Panel, ...]:
    """Who gets how much, and how often the two agree."""
    arms = "kerasd_canary_requests_total"
    shadow = "kerasd_shadow_rows_total"
    return (
        graph(
            About(
                "Share of the canary",
                "Of the requests that it might have got. No data while no model has a canary.",
                "percentunit", 8,
            ),
            Query(
                share(
                    f'sum by (model) (rate({arms}{{<version>, arm="canary"}}[rate]))',
                    f"sum by (model) (rate({arms}{{<version>}}[rate]))",
                ),
                "{{model}}",
            ),
        ),
        graph(
            About(
                "The shadow agrees",
                "Instances that it answers as the current version does. "
                "No data while no model has a shadow.",
                "percentunit", 8,
            ),
            Query(
                share(
                    f'sum by (model, version) (rate({shadow}{{<version>, agrees="true"}}[rate]))',
                    f"sum by (model, version) (rate({shadow}{{<version>}}[rate]))",
                ),
                "{{model}} {{version}}",
            ),
        ),
        graph(
            About(
                "Copies for the shadow",
                "compared, dropped, failed, incompatible. No data while no model has a shadow.",
                "reqps", 8,
            ),
            Query(
                "sum by (model, version, outcome) "
                "(rate(kerasd_shadow_requests_total{<version>}[rate]))",
                "{{model}} {{version}} {{outcome}}",
            ),
        ),
    )  # fmt: skip


def shadow() -> tuple[Panel, ...]:
    """How long the shadow takes, and how far off it is."""
    return (
        graph(
            About(
                "Time of the shadow",
                "99th percentile of its run and decision. "
                "No data while no model has a shadow.",
                "s",
            ),
            Query(
                quantile(0.99, f"{SHADOW}_bucket{{<version>}}", "model, version"),
                "{{model}} {{version}}",
            ),
        ),
        heat(
            About(
                "Differences of the shadow",
                "Largest difference between two numbers of one request. "
                "No data while no model has a shadow.",
                "short",
            ),
            Query(
                "sum by (le) (increase(kerasd_shadow_difference_bucket{<version>}[rate]))",
                "{{le}}", heatmap=True,
            ),
        ),
    )  # fmt: skip
