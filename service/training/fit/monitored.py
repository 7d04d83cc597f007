"""Whether what callbacks look at will be there: known before the first epoch, not after it."""

from collections.abc import Collection, Iterable

from service.base.job_errors import TrainingFailed
from service.recipe.callbacks import Callbacks, Monitor
from service.recipe.checkpoint_path import CheckpointPath, names_in


def check_names(
    callbacks: Callbacks, paths: Iterable[CheckpointPath], known: Collection[str]
) -> None:
    """Raise TrainingFailed for a metric that this fit won't have; `known` has all it will."""
    for name, monitor in _monitors(callbacks):
        if monitor.watched not in known:
            raise TrainingFailed(_unknown(f"{name} monitors {monitor.watched}", known))
    for path in paths:
        for wanted in names_in(path.pattern):
            if wanted not in known:
                what = f"ModelCheckpoint's filepath {path.pattern} has {{{wanted}}}"
                raise TrainingFailed(_unknown(what, known))


def _monitors(callbacks: Callbacks) -> Iterable[tuple[str, Monitor]]:
    """Those that look at their metric, each with its name."""
    for checkpoint in callbacks.ModelCheckpoint:
        if checkpoint.save_best_only:
            yield "ModelCheckpoint", checkpoint
    for name in ("EarlyStopping", "ReduceLROnPlateau"):
        found: Monitor | None = getattr(callbacks, name)
        if found is not None:
            yield name, found


def _unknown(what: str, known: Collection[str]) -> str:
    is_unvalidated = not any(name.startswith("val_") for name in known)
    hint = "; there are no rows to validate with, see data.split.validation"
    metrics = ", ".join(sorted(known))
    return f"{what}, which isn't there: this fit has {metrics}{hint if is_unvalidated else ''}"
