"""One scrape: what all workers have counted, and what is true of models now."""

from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from service.base.metric_files import MetricFiles
from service.base.metrics import REGISTRY, counts_in_files
from service.web.collector import ModelCollector
from service.web.model_view import ModelViews


class Scrapes:
    """Answers scrapes; kept, because the files are read on from where the last one ended."""

    def __init__(self, views: ModelViews) -> None:
        self._views = views
        self._files = MetricFiles(_folder()) if counts_in_files() else None

    def take(self, accept: str) -> tuple[bytes, str]:
        """The exposition in the form that is accepted, and its content type."""
        encode, content_type = choose_encoder(accept)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(ModelCollector(self._views.take()))
        if self._files is None:
            registry.register(REGISTRY)
            return encode(registry), content_type
        counted = self._files.text("openmetrics" in content_type)
        return counted + encode(registry), content_type


def _folder() -> Path:
    """Where prometheus_client counts; it has read that from the environment itself."""
    return Path(MultiProcessCollector(None)._path)  # type: ignore[no-untyped-call]
