"""How right the models are, at the moment of a scrape, out of the database alone.

Every worker and every replica tells the same of one store, whatever was killed or started anew in
between; counters begin at 0 before their first row, so that no increase is missed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.base.metrics import MAX_CLASSES, OTHER_CLASS
from service.quality.ledger import DELAY_BOUNDS_S
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind, Shape
from service.quality.reading import Reading, VersionCounters
from service.web.quality.figures import Figures
from service.web.quality.measured import Measured

MAX_MATRIX = 20
MAX_WAITING = 2000  # cells of versions that nobody has asked yet: each is a series at each scrape
VERSION = ["store", "model", "version"]
REFUSED = tuple(one for one in Outcome if not one.is_kept or one is Outcome.DUPLICATE)
LE = (*(str(float(bound)) for bound in DELAY_BOUNDS_S), "+Inf")

Key = tuple[str, int]
Labels = Mapping[Key, Sequence[str]]


class QualityCollector(Collector):
    """Made for one scrape; `labels` name the classes of versions, `served` are the shapes of those
    that may answer before anybody has labelled a row of theirs.
    """

    def __init__(self, figures: Figures, labels: Labels, served: Mapping[Key, Shape]) -> None:
        self._figures = figures
        self._labels = labels
        self._served = served

    def collect(self) -> Iterator[Metric]:
        """The families, one after the other."""
        versions = self._figures.counters.versions
        known = {(one.first.model, one.first.version) for one in versions}
        shapes = {
            (one.first.model, one.first.version): self._shape(one.first) for one in versions
        } | {key: shape for key, shape in self._served.items() if key not in known}
        cells = {(one.first.model, one.first.version): one.first.cells for one in versions}
        yield from self._classes(shapes, cells)
        yield self._confusion(shapes, cells)
        yield self._rows(shapes)
        yield from (self._refused(), self._corrections(shapes), self._delays())
        yield from self._windows()

    def _shape(self, first: Reading) -> Shape:
        """As labels were kept for; before the first of them as the version is loaded."""
        if first.shape.kind is Kind.NOTHING:
            return self._served.get((first.model, first.version), first.shape)
        return Shape(first.shape.kind, max(first.shape.width, first.classes))

    def _classes(
        self, shapes: Mapping[Key, Shape], cells: Mapping[Key, Mapping[tuple[int, int], int]]
    ) -> Iterator[Metric]:
        families = [
            CounterMetricFamily(f"kerasd_feedback_{name}", text, labels=[*VERSION, "class"])
            for name, text in (
                ("true_positives", "Labelled rows of the class that were predicted as it."),
                ("false_positives", "Labelled rows predicted as the class that are of another."),
                ("false_negatives", "Labelled rows of the class predicted as another one."),
            )
        ]
        for key, shape in shapes.items():
            if shape.kind not in (Kind.CLASSES, Kind.SETS):
                continue
            name_of = self._names(key)
            names = [name_of(index) for index in range(min(shape.width, MAX_CLASSES + 1))]
            counts = _count(cells.get(key, {}), name_of)
            for family, counted in zip(families, counts, strict=True):
                for name in names:
                    family.add_metric([*self._version(key), name], counted[name])
        yield from families

    def _confusion(
        self, shapes: Mapping[Key, Shape], cells: Mapping[Key, Mapping[tuple[int, int], int]]
    ) -> Metric:
        family = CounterMetricFamily(
            "kerasd_feedback_confusion",
            "Labelled rows by true and predicted class, of models with at most 20 classes.",
            labels=[*VERSION, "true_class", "predicted_class"],
        )
        for key, width in _matrices(shapes, cells).items():
            counted, name_of = cells.get(key, {}), self._names(key)
            names = [name_of(index) for index in range(width)]
            for true, true_name in enumerate(names):
                for said, said_name in enumerate(names):
                    labels = [*self._version(key), true_name, said_name]
                    family.add_metric(labels, counted.get((true, said), 0))
        return family

    def _rows(self, shapes: Mapping[Key, Shape]) -> Metric:
        family = CounterMetricFamily(
            "kerasd_feedback_rows", "Rows that were labelled, each once.", labels=VERSION
        )
        rows = {
            (one.first.model, one.first.version): one.rows
            for one in self._figures.counters.versions
        }
        for key in shapes:
            family.add_metric(self._version(key), rows.get(key, 0))
        return family

    def _refused(self) -> Metric:
        family = CounterMetricFamily(
            "kerasd_feedback_rejected",
            "Rows of feedback that changed nothing, by reason.",
            labels=["store", "model", "reason"],
        )
        outcomes = self._figures.counters.outcomes
        for model in self._models():
            for reason in REFUSED:
                counted = outcomes.get((model, reason), 0)
                family.add_metric([self._figures.store, model, reason.value], counted)
        return family

    def _corrections(self, shapes: Mapping[Key, Shape]) -> Metric:
        family = CounterMetricFamily(
            "kerasd_feedback_corrections",
            "Labels that replaced another one of the same row.",
            labels=VERSION,
        )
        corrections = {
            (one.first.model, one.first.version): one.corrections
            for one in self._figures.counters.versions
        }
        for key in shapes:
            family.add_metric(self._version(key), corrections.get(key, 0))
        return family

    def _delays(self) -> Metric:
        family = HistogramMetricFamily(
            "kerasd_feedback_delay_seconds",
            "Time from a prediction to its first label.",
            labels=["store", "model"],
        )
        by_model: dict[str, list[VersionCounters]] = {}
        for one in self._figures.counters.versions:
            by_model.setdefault(one.first.model, []).append(one)
        for model, versions in by_model.items():
            rows = accumulate(map(sum, zip(*(one.delays for one in versions), strict=True)))
            seconds = sum(one.delay_seconds for one in versions)
            buckets = list(zip(LE, rows, strict=True))
            family.add_metric([self._figures.store, model], buckets, seconds)
        return family

    def _windows(self) -> Iterator[Metric]:
        ratio = _gauge("quality_ratio", "A score of labelled rows.", "metric", "average")
        of_class = _gauge("quality_class_ratio", "A score of one class.", "class", "metric")
        error = _gauge("quality_error", "How far predicted numbers are from true ones.", "metric")
        rows = _gauge("quality_rows", "Labelled rows.")
        coverage = _gauge("feedback_coverage_ratio", "Share of the rows that have a label.")
        estimated = _gauge("quality_estimated_accuracy_ratio", "Expected by calibrated confidence.")
        gap = _gauge("quality_estimate_gap_ratio", "Estimated less realised accuracy.")
        for window, measured in self._figures.windows.items():
            for one in measured:
                key = (one.model, one.version)
                names = self._version(key)
                rows.add_metric([*names, window], one.rows)
                if one.coverage is not None:
                    coverage.add_metric([*names, window], one.coverage)
                if one.estimated is not None:
                    estimated.add_metric([*names, window], one.estimated)
                if one.gap is not None:
                    gap.add_metric([*names, window], one.gap)
                for metric, average, value in one.ratios:
                    ratio.add_metric([*names, metric, average, window], value)
                for metric, value in one.errors:
                    error.add_metric([*names, metric, window], value)
                self._of_classes(of_class, one, [*names], window)
        yield from (ratio, of_class, error, rows, coverage, estimated, gap)

    def _of_classes(
        self, family: GaugeMetricFamily, one: Measured, names: list[str], window: str
    ) -> None:
        """Ratios can't be folded into one for all others: those classes have none."""
        name_of = self._names((one.model, one.version))
        for index, metric, value in one.classes:
            if index < MAX_CLASSES:
                family.add_metric([*names, name_of(index), metric, window], value)

    def _version(self, key: Key) -> list[str]:
        return [self._figures.store, key[0], str(key[1])]

    def _names(self, key: Key) -> Callable[[int], str]:
        """A class's name as in `kerasd_predictions_total`."""
        labels = self._labels.get(key, ())

        def name(index: int) -> str:
            if index >= MAX_CLASSES:
                return OTHER_CLASS
            return labels[index] if index < len(labels) else str(index)

        return name

    def _models(self) -> list[str]:
        """Those of which something is known."""
        counters = self._figures.counters
        asked = {one.first.model for one in counters.versions}
        return sorted(asked | {model for model, _ in counters.outcomes})


def _count(
    cells: Mapping[tuple[int, int], int], name_of: Callable[[int], str]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """True positives, false positives and false negatives by class; below 0 is no class."""
    right, too_much, missed = Counter[str](), Counter[str](), Counter[str]()
    for (true, said), rows in cells.items():
        if true == said:
            right[name_of(true)] += rows
            continue
        if said >= 0:
            too_much[name_of(said)] += rows
        if true >= 0:
            missed[name_of(true)] += rows
    return right, too_much, missed


def _matrices(
    shapes: Mapping[Key, Shape], cells: Mapping[Key, Mapping[tuple[int, int], int]]
) -> dict[Key, int]:
    """How many classes each matrix has; where too many wait for a first answer, none of them."""
    widths = {
        key: shape.width
        for key, shape in shapes.items()
        if shape.kind is Kind.CLASSES and shape.width <= MAX_MATRIX
    }
    waiting = sum(width**2 for key, width in widths.items() if key not in cells)
    if waiting <= MAX_WAITING:
        return widths
    return {key: width for key, width in widths.items() if key in cells}


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(
        f"kerasd_{name}",
        f"{text} Of predictions that were made in the window, as they are labelled now.",
        labels=[*VERSION, *labels, "window"],
    )
