"""What the workers are to capture, by what the models' configurations say now."""

from collections.abc import Iterable

from service.capture.terms import Terms
from service.repository.model_config import ModelConfig
from service.repository.states import VersionRow


def capture_terms(rows: Iterable[VersionRow]) -> dict[str, Terms]:
    """The terms by model: model.yaml is the same for all versions, and the newest has read it."""
    newest: dict[str, VersionRow] = {}
    for row in rows:
        known = newest.get(row.model)
        if known is None or known.version < row.version:
            newest[row.model] = row
    return {model: _terms(row.config) for model, row in newest.items()}


def _terms(config: ModelConfig) -> Terms:
    capture, retrain = config.capture, config.retrain
    columns = retrain.data.columns.features if retrain and retrain.data else ()
    return Terms(capture.fraction, capture.drop, columns)
