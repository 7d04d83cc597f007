"""Why a model can't be given another head under its own model.yaml; known beforehand."""

from collections.abc import Sequence

from service.recipe.init import ReplaceHead
from service.repository.model_config import ModelConfig


def why_not_learned(head: ReplaceHead, config: ModelConfig) -> str:
    """Why a new head can't learn from feedback, whose labels are classes of the model as it is."""
    other = _first_other(head.labels, config.labels)
    if other is None:
        return ""
    return (
        f"feedback has told of its classes, of which {other} is {config.labels[other]!r}, for the "
        f"new head {head.labels[other]!r}: learn from a file with the new labels"
    )


def why_not_served(head: ReplaceHead, config: ModelConfig) -> str:
    """Why no version can have this head under the model's own model.yaml; empty if it can."""
    labels, why = config.labels, ""
    if labels and len(labels) != head.classes:
        why = f"has {len(labels)} labels, the new head {head.classes} classes"
    elif (other := _first_other(head.labels, labels)) is not None:
        why = f"calls class {other} {labels[other]!r}, the new head {head.labels[other]!r}"
    elif config.task in ("regression", "multilabel") or (
        config.task == "binary" and head.classes != 2
    ):
        why = f"says task {config.task}, the new head tells {head.classes} classes"
    if not why:
        return ""
    return (
        f'its model.yaml {why}: a version of it can\'t have others; with "promote": "never" the '
        "candidate stays in the job's folder, to be published as a model of its own"
    )


def _first_other(ours: Sequence[str], theirs: Sequence[str]) -> int | None:
    """The first class that is called otherwise, where both have names."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((at for at, (one, other) in pairs if one != other), None)
