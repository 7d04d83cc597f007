"""What no label can come for any more is taken out of the database, once a day."""

import logging
from collections.abc import Callable

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.controller.known_config import KnownConfigs, Told
from service.quality.store import QualityStore
from service.quality.store_keys import KeyStore
from service.quality.windows import DAY, SECOND, WINDOWS
from service.repository.model_config import Feedback
from service.repository.policy import by_model
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

DAY_S = DAY / SECOND
AGAIN_S = 3600.0
MARGIN_DAYS = 1.0  # clocks differ, and a worker learns late that another key signs
LONGEST_WINDOW_DAYS = max(length for length in WINDOWS.values() if length) / DAY


class QualityKeeping:
    """Prunes labelled rows, recorded predictions and retired keys; their sums stay.

    Nothing goes of a model of which nobody knows for how long labels are taken, nor any key
    meanwhile.
    """

    def __init__(
        self,
        store: QualityStore,
        keys: KeyStore,
        versions: VersionStore,
        configs: Callable[[], Told | None],
    ) -> None:
        self._store = store
        self._keys = keys
        self._versions = versions
        self._configs = configs
        self._due_at = float("-inf")

    def step(self, now: float) -> None:
        """Do it if a day has passed since the last time; `now` is in seconds since 1970.

        A database that is away is asked again an hour later.
        """
        if now < self._due_at:
            return
        try:
            self._prune(now)
        except sqlalchemy.exc.SQLAlchemyError as error:
            self._due_at = now + AGAIN_S
            logger.warning("old labels can't be taken out", extra={"why": database_words(error)})
        else:
            self._due_at = now + DAY_S

    def _prune(self, now: float) -> None:
        rows = self._versions.rows()
        known = KnownConfigs(rows, self._configs())
        configs = {model: known.of(model) for model in {*self._store.models(), *by_model(rows)}}
        for model, config in configs.items():
            if config is not None:
                self._prune_labels(model, config.feedback.horizon_days, now)
        if None not in configs.values():
            self._prune_keys(now)

    def _prune_labels(self, model: str, horizon_days: float, now: float) -> None:
        days = max(horizon_days, LONGEST_WINDOW_DAYS)
        before = now - (days + MARGIN_DAYS) * DAY_S
        removed = self._store.prune(model, int(before * SECOND))
        if removed:
            logger.info("old labels were taken out", extra={"model": model, "rows": removed})

    def _prune_keys(self, now: float) -> None:
        horizon = max(self._versions.longest_horizon_days(), Feedback().horizon_days)
        swept = self._keys.sweep(now - (horizon + MARGIN_DAYS) * DAY_S)
        if swept:
            logger.info("old keys of receipts were deleted", extra={"keys": swept})
