"""The model that feedback is about: which labels its versions have, and how late one may come."""

from service.base.errors import ModelNotFound
from service.quality.feedback import Terms
from service.quality.windows import DAY, Span
from service.repository.policy import config_of
from service.repository.states import VersionRow
from service.web.process import WebProcess


def terms_of(process: WebProcess, model: str, at: int) -> Terms:
    """Whose feedback is taken. Raises ModelNotFound.

    A version that is gone has labels still to come: its classes are called as model.yaml calls
    them now.
    """
    rows = process.reloader.store.rows(model)
    if not rows:
        raise ModelNotFound(model, wording="status")
    config = config_of(rows)
    labels = {row.version: row.config.labels for row in rows}
    return Terms(
        model,
        lambda version: labels.get(version, config.labels),
        at - int(config.feedback.horizon_days * DAY),
    )


def check_known(process: WebProcess, model: str, at: int) -> None:
    """Refuse a model of which there is nothing, neither files nor labels. Raises ModelNotFound."""
    rows: list[VersionRow] = process.reloader.store.rows(model)
    if not rows and not process.quality.store.readings(Span(at, at), model):
        raise ModelNotFound(model, wording="status")
