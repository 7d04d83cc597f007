"""The model that feedback is about: which labels its versions have, and how late one may come."""

from service.base.errors import ModelNotFound
from service.quality.feedback import Terms
from service.quality.windows import DAY, Span
from service.repository.states import VersionRow
from service.web.process import WebProcess


def terms_of(process: WebProcess, model: str, at: int) -> Terms:
    """Whose feedback is taken. Raises ModelNotFound.

    A version that is gone has labels still to come: its classes are called as the model's newest
    version calls them, for model.yaml is the same for all.
    """
    rows = process.reloader.store.rows(model)
    if not rows:
        raise ModelNotFound(model, wording="status")
    newest = max(rows, key=lambda row: row.version)
    labels = {row.version: row.config.labels for row in rows}
    horizon = newest.config.feedback.horizon_days
    return Terms(
        model,
        lambda version: labels.get(version, newest.config.labels),
        at - int(horizon * DAY),
    )


def check_known(process: WebProcess, model: str, at: int) -> None:
    """Refuse a model of which there is nothing, neither files nor labels. Raises ModelNotFound."""
    rows: list[VersionRow] = process.reloader.store.rows(model)
    if not rows and not process.quality.store.readings(Span(at, at), model):
        raise ModelNotFound(model, wording="status")
