"""Model quality, class by class: precision, recall, confusion, what is predicted and how surely."""

from dashboards.panels import GREEN, RED, YELLOW, About, Panel, bars, graph, heat, matrix
from dashboards.queries import Query, arrived

CLASS = "kerasd_quality_class_ratio"
SHARE = "job_model_version_class:kerasd_predictions_share:ratio_increase1d{<rule version>}"


def classes() -> tuple[Panel, ...]:
    """Scores of each class, and what it is taken for."""
    return (*_scores(), *_confusion())


def _scores() -> tuple[Panel, ...]:
    return (
        *(
            bars(
                About(title, f"{words} Over the window, by version.", "percentunit", 8, 9),
                Query(
                    f"max by (version, class) ({CLASS}"
                    f'{{<version>, metric="{metric}", window="$window"}})',
                    "{{version}} {{class}}", instant=True,
                ),
                steps=((None, RED), (0.5, YELLOW), (0.8, GREEN)),
            )
            for metric, title, words in (
                ("precision", "Precision", "Of the rows said to be of the class, those that are."),
                ("recall", "Recall", "Of the rows of the class, those that were found."),
                ("f1", "F1", "Precision and recall in one."),
            )
        ),
    )  # fmt: skip


def _confusion() -> tuple[Panel, ...]:
    confusion = "kerasd_feedback_confusion_total{<version>}"
    cells = arrived(confusion, "true_class, predicted_class")
    return (
        matrix(
            About(
                "Confusion",
                "Rows: the true class; columns: what was said. Labels that arrived in the time "
                "shown, of all versions chosen. Models of at most 20 classes.",
                "none", 12, 10,
            ),
            Query(cells, instant=True), "true_class", "predicted_class",
        ),
        matrix(
            About(
                "Confusion by true class",
                "The same as shares of each true class: the diagonal is the recall.",
                "percentunit", 12, 10,
            ),
            Query(
                f"{cells} / on (true_class) group_left () "
                f'(sum by (true_class) ({cells}) > 0)', instant=True,
            ),
            "true_class", "predicted_class",
        ),
        graph(
            About("Recall over time", "Of each class, over the window.", "percentunit", 24),
            Query(
                "max by (version, class) "
                f'({CLASS}{{<version>, metric="recall", window="$window"}})',
                "{{version}} {{class}}",
            ),
            top=1,
        ),
    )  # fmt: skip


def mix() -> tuple[Panel, ...]:
    """What can be seen without any label."""
    baseline = "max by (version, class) (kerasd_model_class_baseline_ratio{<version>})"
    return (
        graph(
            About("Predicted classes", "Shares over a day, and those of training.", "percentunit"),
            Query(f"max by (version, class) ({SHARE})", "{{version}} {{class}}"),
            Query(baseline, "{{version}} {{class}} training"),
        ),
        graph(
            About(
                "Shift of the mix",
                "Population stability index of the predicted classes against training: below 0.1 "
                "the same, above 0.25 another one.",
                "short",
            ),
            Query(
                "max by (version) (job_model_version:kerasd_prediction_mix:psi1h{<rule version>})",
                "{{version}} an hour",
            ),
            Query(
                "max by (version) (job_model_version:kerasd_prediction_mix:psi1d{<rule version>})",
                "{{version}} a day",
            ),
        ),
        heat(
            About("Confidence", "Probability of the class that was answered.", "percentunit", 24),
            Query(
                "sum by (le) (increase(kerasd_prediction_probability_bucket{<version>}[rate]))",
                "{{le}}", heatmap=True,
            ),
        ),
    )  # fmt: skip
