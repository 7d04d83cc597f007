"""What is told of a candidate for good: in its manifest, in the job's result, in report.json."""

from collections.abc import Mapping
from typing import Any

from service.base.strict_json import Json
from service.recipe.retrain import RetrainRequest

MAX_CONFUSION = 50  # classes; of more the matrix stands in the database only
MAX_LIST = 100  # layers, epochs, classes; a manifest is for people, too


def training_record(
    job: str,
    request: RetrainRequest,
    facts: Mapping[str, Any],
    trained: Mapping[str, Any],
    verdict: Mapping[str, Any],
) -> Json:
    """How a version was made and what it scored: the `training` of its manifest.

    `facts` are those of the rows, `trained` is trained.json, `verdict` is verdict.json.
    """
    asked = request.model_dump(mode="json", by_alias=True)
    prepared = trained["prepared"]
    record = {
        "job": job,
        "description": request.description,
        "data": dict(facts),
        "init": prepared.get("init", asked["init"]),
        "compile": prepared.get("compile", asked["compile"]),
        "class_weight": asked["compile"]["class_weight"] or asked["fit"]["class_weight"],
        "fit": asked["fit"],
        "callbacks": asked["callbacks"],
        "epochs": fit_summary(trained),
        "libraries": trained["libraries"],
        "scores": [score_summary(one) for one in verdict["measured"]],
        "champion": verdict["champion"],
        "gate": {"rules": asked["gate"], **verdict["verdict"]},
    }
    return {name: shortened(value) for name, value in record.items() if value not in (None, "")}


def fit_summary(trained: Mapping[str, Any]) -> Json:
    """How the fit went, with its best and its last epoch."""
    history = trained["history"]
    best = next((one for one in history if one["epoch"] == trained["best_epoch"]), None)
    told = ("epochs_run", "best_epoch", "weights_epoch", "stopped_by", "stopped_why", "notes")
    return {
        **{name: trained[name] for name in told},
        "resumed_at": trained["resumed_at"],
        "best": best,
        "last": history[-1] if history else None,
        "learning_rates": [one["learning_rate"] for one in history],
    }


def score_summary(measured: Mapping[str, Any]) -> Json:
    """What a version came to on one set of rows: its numbers and its confusion matrix."""
    matrix = measured["confusion"]
    return {
        "version": measured["version"] or "candidate",
        "dataset": measured["dataset"],
        "data_sha256": measured["data_sha256"],
        "rows": measured["rows"],
        "metrics": dict(measured["metrics"]),
        "classes": [
            {name: one.get(name) for name in ("index", "label", "support", "precision", "recall")}
            for one in measured["scores"].get("classes", ())
        ],
        "confusion": matrix if len(matrix) <= MAX_CONFUSION else [],
    }


def shortened(value: Any) -> Any:
    """The same with long lists cut: whoever wants all of it reads the job's report."""
    if isinstance(value, Mapping):
        return {str(key): shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if len(value) <= MAX_LIST:
            return [shortened(item) for item in value]
        return [
            *(shortened(item) for item in value[:MAX_LIST]),
            f"and {len(value) - MAX_LIST} more",
        ]
    return value
