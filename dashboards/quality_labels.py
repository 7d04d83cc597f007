"""Model quality: the labels themselves, what is known before they come, and errors of numbers."""

from dashboards.panels import About, Panel, graph
from dashboards.quality_scores import score
from dashboards.queries import Query, share

BIAS = 'kerasd_quality_error{<version>, metric="bias", window="$window"}'


def estimate() -> tuple[Panel, ...]:
    """What confidence makes expect, and what came."""
    estimate = 'kerasd_quality_estimated_accuracy_ratio{<version>, window="$window"}'
    gap = 'kerasd_quality_estimate_gap_ratio{<version>, window="$window"}'
    return (
        graph(
            About(
                "Estimated and realised accuracy",
                "What calibrated confidence makes expect before labels come, and what came.",
                "percentunit",
            ),
            Query(f"max by (version) ({estimate})", "{{version}} estimated"),
            Query(score("accuracy"), "{{version}} realised"),
            top=1,
        ),
        graph(
            About(
                "Gap",
                "Estimated minus realised; when it grows, confidence can't be trusted any more.",
                "percentunit",
            ),
            Query(f"max by (version) ({gap})", "{{version}}"),
        ),
    )


def labels() -> tuple[Panel, ...]:
    """How many come, how late, how many are wrong."""
    delay = "max by (store, model, le) (rate(kerasd_feedback_delay_seconds_bucket{<model>}[1h]))"
    refused = "max by (store, model, reason) (rate(kerasd_feedback_rejected_total{<model>}[rate]))"
    rows = "max by (store, model, version) (rate(kerasd_feedback_rows_total{<version>}[rate]))"
    mended = (
        "max by (store, model, version) (rate(kerasd_feedback_corrections_total{<version>}[rate]))"
    )
    return (
        graph(
            About("Coverage", "Predictions whose label is known, over the window.", "percentunit"),
            Query(
                'max by (version) (kerasd_feedback_coverage_ratio{<version>, window="$window"})',
                "{{version}}",
            ),
            top=1,
        ),
        graph(
            About("Rows that arrive", "Labels a second, by version that answered.", "cps"),
            Query(f"sum by (version) ({rows})", "{{version}}"),
        ),
        graph(
            About("Delay", "From prediction to label, of those that came within an hour.", "s"),
            *(
                Query(f"histogram_quantile({which}, sum by (le) ({delay})) >= 0", words)
                for which, words in ((0.5, "median"), (0.95, "95 %"))
            ),
        ),
        graph(
            About("Corrections", "Share of the labels that replace an earlier one.", "percentunit"),
            Query(
                share(f"sum by (version) ({mended})", f"sum by (version) ({rows})"), "{{version}}"
            ),
        ),
        graph(
            About(
                "Refused labels",
                "By reason: unknown id, forged, expired, unknown class. "
                "No data while none was refused.",
                "cps", 24,
            ),
            Query(f"sum by (reason) ({refused})", "{{reason}}"),
        ),
    )  # fmt: skip


def regression() -> tuple[Panel, ...]:
    """For models that predict numbers."""
    error = 'kerasd_quality_error{<version>, metric=~"mae|rmse", window="$window"}'
    return (
        graph(
            About(
                "Error",
                "Mean absolute and root mean square, in the unit of the target. "
                "No data while the model predicts classes.",
                "short",
            ),
            Query(f"max by (version, metric) ({error})", "{{version}} {{metric}}"),
        ),
        graph(
            About(
                "Bias",
                "Mean of predicted minus true. No data while the model predicts classes.",
                "short",
            ),
            Query(f"max by (version) ({BIAS})", "{{version}}"),
        ),
    )
