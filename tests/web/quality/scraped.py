"""A database of labels, and what a scrape tells of it."""

from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

from service.base.database import migrate, open_database
from service.quality.feedback import Labelled
from service.quality.predicted import Shape
from service.quality.store import QualityStore
from service.web.quality.figures import QualityFigures
from service.web.quality_collector import QualityCollector
from tests.quality.rows import NOON
from tests.web.desk import Clock

ORDER = (
    "model", "version", "class", "true_class", "predicted_class", "metric", "average", "window",
    "reason", "le",
)  # fmt: skip
Found = dict[tuple[str, ...], float]


class Desk:
    """A store and what a scrape tells of it."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/kerasd.sqlite")
        migrate(self.engine)
        self.store = QualityStore(self.engine, "repository")
        self.clock = Clock()
        self.clock.now = NOON / 1000 + 60
        self.figures = QualityFigures(self.store, lambda: "database", "repository", self.clock.time)
        self.classes: dict[tuple[str, int], tuple[str, ...]] = {}
        self.served: dict[tuple[str, int], Shape] = {}

    def enter(self, *rows: Labelled, model: str = "m", at: int = NOON + 60_000) -> None:
        self.store.record_feedback(model, rows, at)

    def scrape(self) -> dict[str, Found]:
        """The values of each series by name, then by its labels in order."""
        figures = self.figures.take()
        registry = CollectorRegistry(auto_describe=False)
        if figures is not None:
            registry.register(QualityCollector(figures, self.classes, self.served))
        encode, _ = choose_encoder("")
        found: dict[str, Found] = {}
        for family in text_string_to_metric_families(encode(registry).decode()):
            for sample in family.samples:
                key = tuple(sample.labels[name] for name in ORDER if name in sample.labels)
                series = found.setdefault(sample.name.removeprefix("kerasd_"), {})
                assert key not in series, "Prometheus refuses a scrape with a series twice"
                series[key] = sample.value
        return found
