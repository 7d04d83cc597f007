"""A promoted candidate on probation: it makes way again if live labels show it to be worse.

Asked for by `retrain: rollback:` in model.yaml. A candidate is a version that a job has trained,
whoever has promoted it; its predecessor is the version that was current before. Both are held
against the labels of their own predictions: the candidate's since it was promoted, the
predecessor's from as long before as the rule looks after.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import erfc, sqrt

from service.base.http_errors import Conflict
from service.quality.live_scores import LiveScores, live_scores
from service.quality.reading import Reading
from service.quality.store import QualityStore
from service.quality.windows import HOUR, SECOND, Span
from service.recipe.gate import DEFAULT_METRIC, LOWER_IS_BETTER
from service.recipe.retraining import Retraining, Rollback
from service.repository.audit import CONTROLLER, MAX_WHY, AuditEntry, Order
from service.repository.changes import Changes
from service.repository.consent import Consent, loading_waits_for
from service.repository.model_config import ModelConfig
from service.repository.promotion import rolled_back
from service.repository.route import Route
from service.repository.store import VersionStore
from service.repository.swap import checked, without
from service.repository.workers import WorkerName

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class Served:
    """A candidate that is current; `since` in seconds since 1970."""

    model: str
    version: int
    predecessor: int
    since: float


def why_worse(rule: Rollback, metric: str, candidate: LiveScores, predecessor: LiveScores) -> str:
    """Why the candidate has to go, in a sentence; empty where it may stay."""
    if min(candidate.rows, predecessor.rows) < rule.min_rows:
        return ""
    now, before = candidate.metrics.get(metric), predecessor.metrics.get(metric)
    if now is None or before is None:
        return ""
    drop = now - before if metric in LOWER_IS_BETTER else before - now
    if drop <= rule.max_drop:
        return ""
    told = (
        f"{metric} on live labels is {now:.4g} ({candidate.rows} rows), with version "
        f"{predecessor.version} it was {before:.4g} ({predecessor.rows} rows): worse by "
        f"{drop:.4g}, allowed are {rule.max_drop:g}"
    )
    if rule.significance is None:
        return told
    p = _p_of_drop(candidate, predecessor)
    if p is None or p >= rule.significance:
        return ""
    return f"{told}; p = {p:.3g}"


def metric_of(section: Retraining, form: str, live: Mapping[str, float]) -> str:
    """What a rule goes by: its own metric, else the gate's, else the usual one of the form.

    A metric that live labels don't tell, such as a loss, gives way to the usual one.
    """
    asked = section.rollback.metric if section.rollback is not None else None
    gate = section.gate.metric if section.gate is not None else None
    found = asked or gate or DEFAULT_METRIC[form]
    return found if found in live else DEFAULT_METRIC[form]


def on_trial(route: Route, move: AuditEntry | None) -> Served | None:
    """The current version, and since when it is, if it is to prove itself whoever made it.

    `move` is the model's last one. What was gone back to is on no trial.
    """
    version = route.current
    if version is None or not route.previous or move is None:
        return None
    if move.after["current"] != version or move.action == "rollback":
        return None
    return Served(route.model, version, route.previous[0], move.at)


class Probation:
    """Steps through the models that have a rule; `step` waits for nobody.

    `keep` is told which versions workers must have loaded for a way back: nobody else asks for
    them.
    """

    def __init__(
        self,
        versions: VersionStore,
        quality: QualityStore,
        configs: Callable[[], Mapping[str, ModelConfig]],
        tell: Callable[[], object],
        keep: Callable[[frozenset[tuple[str, int]]], object],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._versions = versions
        self._quality = quality
        self._configs = configs
        self._keep = keep
        self._wall_clock = wall_clock
        self._changes = Changes(versions, tell, wall_clock)
        self._consent = Consent(versions, wall_clock=wall_clock)
        self._me = str(WorkerName.of(os.getpid()))
        self._going: dict[str, tuple[Served, str]] = {}
        self._look_at = 0.0

    def step(self, now: float) -> None:
        """Look at live labels now and then; go on with what is on its way back."""
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            for model, config in self._configs().items():
                if config.retrain is not None and config.retrain.rollback is not None:
                    self._look(model, config.retrain, config.retrain.rollback)
        for served, why in list(self._going.values()):
            self._go_back(served, why)
        self._keep(frozenset((one.model, one.predecessor) for one, _ in self._going.values()))

    def _look(self, model: str, section: Retraining, rule: Rollback) -> None:
        served = on_trial(self._versions.route(model), self._versions.last_move(model))
        window_s = rule.within_hours * HOUR / SECOND
        if served is None or self._wall_clock() > served.since + window_s:
            return
        if not self._versions.was_trained(model, served.version):
            return
        since = int(served.since * SECOND)
        candidate = self._scores(model, served.version, Span(since))
        predecessor = self._scores(
            model, served.predecessor, Span(since - int(window_s * SECOND), since)
        )
        if candidate is None or predecessor is None or candidate.form != predecessor.form:
            return
        metric = metric_of(section, candidate.form, candidate.metrics)
        why = why_worse(rule, metric, candidate, predecessor)
        if why and model not in self._going:
            self._going[model] = (served, why)
            logger.warning(
                "a candidate does worse than its predecessor",
                extra={"model": model, "version": served.version, "why": why},
            )

    def _scores(self, model: str, version: int, span: Span) -> LiveScores | None:
        reading: Reading | None = self._quality.reading(model, version, span)
        return None if reading is None else live_scores(reading)

    def _go_back(self, served: Served, why: str) -> None:
        """Have every worker load the predecessor, then move the pointer; a step at a time."""
        model, version = served.model, served.predecessor
        moment = self._consent.look(model)
        if moment.current != served.version:  # somebody was quicker
            del self._going[model]
            return
        entry = (version, self._me)
        try:
            if entry not in moment.route.preparing:
                self._changes.prepare(
                    model, lambda route: replace(route, preparing=(*route.preparing, entry))
                )
                return
            if loading_waits_for(moment, version, moment.route.revision):
                return
            order = Order(CONTROLLER, why[:MAX_WHY], expected_current=served.version)
            edit = checked(
                moment, order, lambda now: without(rolled_back(now, version), version, self._me)
            )
            self._changes.make(model, edit, "rollback", order)
        except Conflict as error:
            fields = {"model": model, "version": version, "why": str(error)}
            logger.warning("a candidate can't be rolled back", extra=fields)
        del self._going[model]


def _p_of_drop(candidate: LiveScores, predecessor: LiveScores) -> float | None:
    """The chance of such a drop of the share of right rows, if both were equally good."""
    if candidate.right is None or predecessor.right is None:
        return None
    rows = (candidate.rows, predecessor.rows)
    share = (candidate.right + predecessor.right) / sum(rows)
    spread = sqrt(share * (1 - share) * (1 / rows[0] + 1 / rows[1]))
    if not spread:
        return None
    drop = predecessor.right / rows[1] - candidate.right / rows[0]
    return 0.5 * erfc(drop / spread / sqrt(2))
