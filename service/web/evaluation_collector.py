"""What versions scored in evaluations, and which classes they learned from, at a scrape.

Results of single occasions: they can be compared, not added or averaged.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy.exc
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.base.metrics import MAX_CLASSES
from service.base.refusals import FileBroken
from service.quality.store_evaluations import EvaluationStore, StoredEvaluation
from service.repository.manifest import read_provenance
from service.repository.states import State, VersionRow

VERSION = ["store", "model", "version"]
OF_CLASSES = ("precision", "recall", "f1")
OWN = ("test", "validation")  # as a retrain calls them
MAX_DATASETS = 16  # of a version, besides these

Key = tuple[str, int]
Mix = Mapping[str, float]


def read_evaluations(store: EvaluationStore, rows: Sequence[VersionRow]) -> list[StoredEvaluation]:
    """The newest of each dataset, of the versions that are there; none without the database."""
    there = {(row.model, row.version) for row in rows if row.state is not State.RETIRED}
    try:
        return _few([one for one in store.latest() if (one.model, one.version) in there])
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        return []


def _few(found: Sequence[StoredEvaluation]) -> list[StoredEvaluation]:
    """Those of the datasets that were evaluated last: clients invent the names of the others, and
    each is a series for every score.
    """
    kept: Counter[Key] = Counter()
    told: list[StoredEvaluation] = []
    for one in sorted(found, key=lambda one: -one.at):
        key = one.model, one.version
        if one.dataset not in OWN:
            kept[key] += 1
        if kept[key] <= MAX_DATASETS or one.dataset in OWN:
            told.append(one)
    return told


class Baselines:
    """The class mixes of training data, out of manifests: read once a version."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._read: dict[tuple[str, int, str], Mix] = {}

    def of(self, rows: Sequence[VersionRow]) -> dict[Key, Mix]:
        """By version, of those that tell; a version whose files are others is read anew."""
        known = {
            (row.model, row.version, row.artefact): row
            for row in rows
            if row.state is not State.RETIRED and row.artefact
        }
        self._read = {
            key: self._read[key] if key in self._read else self._mix(row)
            for key, row in known.items()
        }
        return {key[:2]: mix for key, mix in self._read.items() if mix}

    def _mix(self, row: VersionRow) -> Mix:
        try:
            made = read_provenance(self._repository / row.model / str(row.version))
            counts = made.training["data"]["counts"]["train"]
            rows = sum(counts.values())
            return {str(name): count / rows for name, count in counts.items()}
        except (FileBroken, OSError, KeyError, TypeError, AttributeError, ZeroDivisionError):
            return {}


class EvaluationCollector(Collector):
    """Made for one scrape; `store` names the database and the repository in it."""

    def __init__(
        self, store: str, evaluations: Sequence[StoredEvaluation], baselines: Mapping[Key, Mix]
    ) -> None:
        self._store = store
        self._evaluations = evaluations
        self._baselines = baselines

    def collect(self) -> Iterator[Metric]:
        """The families, one after the other."""
        yield from (self._scores(), self._class_scores(), self._mixes())

    def _scores(self) -> Metric:
        family = GaugeMetricFamily(
            "kerasd_model_evaluation_score",
            "A score of the version in its latest evaluation on a dataset.",
            labels=[*VERSION, "dataset", "metric"],
        )
        for one in self._evaluations:
            for metric, value in sorted(one.metrics.items()):
                family.add_metric([*self._names(one), one.dataset, metric], value)
        return family

    def _class_scores(self) -> Metric:
        family = GaugeMetricFamily(
            "kerasd_model_evaluation_class_score",
            "A score of one class in the version's latest evaluation on a dataset.",
            labels=[*VERSION, "dataset", "class", "metric"],
        )
        for one in self._evaluations:
            for scored in one.scores.get("classes", ())[:MAX_CLASSES]:
                name = str(scored.get("label") or scored.get("index"))
                for metric in OF_CLASSES:
                    if scored.get(metric) is not None:
                        labels = [*self._names(one), one.dataset, name, metric]
                        family.add_metric(labels, scored[metric])
        return family

    def _mixes(self) -> Metric:
        family = GaugeMetricFamily(
            "kerasd_model_class_baseline_ratio",
            "Share of a class among the rows that the version was trained with.",
            labels=[*VERSION, "class"],
        )
        for (model, version), mix in sorted(self._baselines.items()):
            for name, share in list(mix.items())[:MAX_CLASSES]:
                family.add_metric([self._store, model, str(version), name], share)
        return family

    def _names(self, one: StoredEvaluation) -> list[str]:
        return [self._store, one.model, str(one.version)]
