"""What the workers are to capture, by what the models' configurations say now."""

from collections.abc import Iterable

from service.capture.terms import Terms
from service.repository.model_config import ModelConfig
from service.repository.policy import by_model, config_of
from service.repository.states import VersionRow


def capture_terms(rows: Iterable[VersionRow]) -> dict[str, Terms]:
    """The terms by model."""
    return {model: _terms(config_of(ours)) for model, ours in by_model(rows).items()}


def _terms(config: ModelConfig) -> Terms:
    capture, retrain = config.capture, config.retrain
    columns = retrain.data.columns.features if retrain and retrain.data else ()
    return Terms(capture.fraction, capture.drop, columns)
