"""The scores that several panels show: live ones of a window, and those of the evaluation."""

from dashboards.queries import Query

RATIO = "kerasd_quality_ratio"


def score(metric: str, average: str = "") -> str:
    """A score of the chosen window, by version."""
    return (
        f"max by (model, version) ({RATIO}"
        f'{{<version>, metric="{metric}", average="{average}", window="$window"}})'
    )


def evaluated(metric: str) -> Query:
    """What a version scored on validation data."""
    return Query(
        "max by (version) (kerasd_model_evaluation_score"
        f'{{<version>, dataset="validation", metric="{metric}"}})',
        "{{version}} validation",
    )
