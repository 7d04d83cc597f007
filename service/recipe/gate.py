"""What a candidate has to show before it may be published: the rules of the gate."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from service.recipe.strict import Recipe

Metric = Literal[
    "loss", "accuracy", "balanced_accuracy", "mcc", "kappa", "precision", "recall", "f1",
    "macro_precision", "macro_recall", "macro_f1", "micro_f1", "weighted_f1", "roc_auc", "pr_auc",
    "log_loss", "brier", "ece", "subset_accuracy", "hamming_loss", "jaccard", "mae", "rmse", "r2",
    "mape",
]  # fmt: skip
LOWER_IS_BETTER = frozenset(
    ("loss", "log_loss", "brier", "ece", "hamming_loss", "mae", "rmse", "mape")
)
DEFAULT_METRIC = {"classes": "macro_f1", "sets": "macro_f1", "values": "rmse"}
OF_SETS = frozenset(
    ("loss", "macro_precision", "macro_recall", "macro_f1", "micro_f1", "weighted_f1", "log_loss",
     "brier", "subset_accuracy", "hamming_loss", "jaccard")
)  # fmt: skip
OF_VALUES = frozenset(("loss", "mae", "rmse", "r2", "mape"))
ONLY_OF_SETS = frozenset(("subset_accuracy", "hamming_loss", "jaccard"))
ONLY_OF_TWO = frozenset(("precision", "recall", "f1"))

SHOWN = 20

Share = Annotated[float, Field(ge=0, le=1)]
ClassName = Annotated[str, Field(min_length=1, max_length=200)]


class Gate(Recipe):
    """The rules; all must be passed. Those that compare are left out where there is no champion."""

    metric: Metric | None = Field(
        default=None,
        description="What the candidate must be better in; null = macro_f1, for numbers rmse",
    )
    min_gain: float = Field(
        default=0.0,
        description="By how much at least; 0 = at all, a negative number allows such a loss",
    )
    min_score: float | None = Field(
        default=None, description="Least value of the metric; the largest where lower is better"
    )
    min_class_recall: Share | dict[ClassName, Share] | None = Field(
        default=None, description="Least recall of every class, or of each that is named"
    )
    max_class_recall_drop: Share | None = Field(
        default=None, description="How much recall any class may lose against the champion"
    )
    max_latency_ratio: Annotated[float, Field(gt=0)] | None = Field(
        default=2.0, description="How many times the champion's time a row may take; null = any"
    )
    significance: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Level at which McNemar's test must find it better; null = none"
    )
    min_rows: Annotated[int, Field(ge=1)] = Field(
        default=20, description="On how many held-out rows all of this has to stand"
    )
    chance: bool = Field(default=True, description="It must be clearly better than guessing")
    feedback: bool = Field(
        default=True, description="It must also do no worse on the latest labelled predictions"
    )

    @field_validator("min_class_recall", mode="before")
    @classmethod
    def _recall_in_few_words(cls, value: Any) -> Any:
        shares = list(value.values()) if isinstance(value, dict) else [value]
        if value is None or all(_is_share(share) for share in shares):
            is_by_class = isinstance(value, dict)  # YAML has numbers for the names of classes
            return {str(name): share for name, share in value.items()} if is_by_class else value
        raise ValueError("expected a number from 0 to 1, or one for each named class")


def unfit(gate: Gate, form: str, class_names: Sequence[str]) -> str:
    """Why these rules say nothing about answers of a form; empty where they do.

    `form` is classes, sets or values. Without names classes are called by their index.
    """
    metric = gate.metric
    if metric is not None and not _has(form, len(class_names), metric):
        what = f"{len(class_names)} {form}" if form == "classes" else form
        return f"gate.metric: there is no {metric} of a model that answers with {what}"
    if gate.min_class_recall is not None and form == "values":
        return "gate.min_class_recall: a model that answers with numbers has no classes"
    named = gate.min_class_recall if isinstance(gate.min_class_recall, dict) else {}
    strange = [name for name in named if name not in class_names]
    if strange:
        known = ", ".join(class_names[:SHOWN])
        return f"gate.min_class_recall: there is no class {strange[0]!r}; expected some of {known}"
    if gate.significance is not None and form == "values":
        return "gate.significance: McNemar's test needs answers that are right or wrong"
    return ""


def _has(form: str, classes: int, metric: str) -> bool:
    if form == "values":
        return metric in OF_VALUES
    if form == "sets":
        return metric in OF_SETS
    only = OF_VALUES - {"loss"} | ONLY_OF_SETS
    return metric not in only and (classes == 2 or metric not in ONLY_OF_TWO)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
