"""What is known of a model's `model.yaml` by who deletes what is older than it says."""

from collections.abc import Iterable, Mapping

from service.repository.model_config import ModelConfig
from service.repository.policy import by_model, config_of
from service.repository.states import State, VersionRow

Told = Mapping[str, ModelConfig | None]


class KnownConfigs:
    """Out of the recorded rows, and what the controller reads in the repository: see
    `Controller.told_configs`.
    """

    def __init__(self, rows: Iterable[VersionRow], told: Told | None) -> None:
        self._rows = by_model(rows)
        self._told = told

    def of(self, model: str) -> ModelConfig | None:
        """The configuration in force; the usual one for a model that is gone. None where nobody
        knows it: then nothing of the model may be deleted for its age.

        A version that is READY goes on with what was last read of it. Without one it is the file
        that tells. A repository without any model may not be mounted.
        """
        rows = self._rows.get(model, [])
        if any(row.state is State.READY for row in rows):
            return config_of(rows)
        return self._told.get(model, config_of(rows)) if self._told else None
