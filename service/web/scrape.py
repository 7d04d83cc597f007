"""One scrape: what all workers have counted, and what is true of models now."""

import time

import sqlalchemy.exc
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from service.web.collector import ModelCollector
from service.web.compiled_files import CompiledFiles
from service.web.evaluation_collector import Baselines, EvaluationCollector, read_evaluations
from service.web.heartbeat_collector import HeartbeatCollector, read_heartbeat
from service.web.jobs_collector import JobsCollector, read_figures
from service.web.model_view import ModelView, take_view
from service.web.process import WebProcess
from service.web.quality.answer_shape import packer
from service.web.quality.figures import Figures
from service.web.quality_collector import QualityCollector
from service.web.remote_collector import RemoteCollector
from service.web.swap_counts import Moves


class Scrapes:
    """Answers scrapes."""

    def __init__(self, process: WebProcess) -> None:
        self._process = process
        self._compiled = CompiledFiles(process.settings.compiled_path)
        self._baselines = Baselines(process.settings.repository)

    def take(self, accept: str) -> tuple[bytes, str]:
        """The exposition in the form that is accepted, and its content type."""
        encode, content_type = choose_encoder(accept)
        registry = CollectorRegistry(auto_describe=False)
        # With the rows that this worker has read last: they are many, and no older than a poll.
        view = take_view(self._process, rows=self._process.reloader.rows)
        registry.register(ModelCollector(view, self._compiled.of(view), self._swaps(view)))
        heartbeat = read_heartbeat(self._process.heartbeats) if view.is_whole else None
        if heartbeat is not None:
            registry.register(HeartbeatCollector(heartbeat))
        if self._process.settings.repository_url:
            registry.register(RemoteCollector(self._process.settings.mirror_dir, heartbeat))
        if view.is_whole:
            self._register(registry, view)
        counted = self._process.counters.text(encode, "openmetrics" in content_type)
        return counted + encode(registry), content_type

    def _register(self, registry: CollectorRegistry, view: ModelView) -> None:
        """What the database alone knows."""
        process = self._process
        figures = process.quality_figures.take()
        if figures is not None:
            registry.register(_quality(view, figures))
            evaluations = read_evaluations(process.evaluations, view.rows)
            mixes = self._baselines.of(view.rows)
            registry.register(EvaluationCollector(figures.store, evaluations, mixes))
        jobs = read_figures(process.jobs)
        if jobs is not None:
            registry.register(JobsCollector(jobs, view.rows, time.time()))

    def _swaps(self, view: ModelView) -> Moves | None:
        if not view.is_whole:
            return None
        try:
            return self._process.swap_counts.count(time.time())
        except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
            return None


def _quality(view: ModelView, figures: Figures) -> QualityCollector:
    """With the classes' names of all versions, and the shapes of those that this worker has."""
    labels = {(row.model, row.version): row.config.labels for row in view.rows}
    facts = {key: slot.served.facts for key, slot in view.loaded.items()}
    shapes = {key: packer(one.config, one.signature).shape for key, one in facts.items()}
    return QualityCollector(figures, labels, shapes)
