"""What the program of a job works with: the repository, its stores, and the folders of data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.base.bell import Bell
from service.base.custom_state import custom_options
from service.base.database import Engine
from service.base.load_options import LoadOptions
from service.base.settings import MEBIBYTE, Settings
from service.capture.feedback import LiveRows
from service.data.dataset import DataLimits
from service.data.places import DataPlaces
from service.quality.store import QualityStore
from service.quality.store_evaluations import EvaluationStore
from service.repository.compiled_store import open_compiled_store
from service.repository.shelf import JOB_PATIENCE_S, Shelf, open_shelf
from service.repository.store import VersionStore


@dataclass(frozen=True, slots=True)
class Workplace:
    """Opened once a program. `tell` has every worker of this host look at once, `bring`
    has a compiled version in its folder.

    `custom` is what the settings say of custom classes, `threads` how many a run may use, and
    `compile_timeout_s` how long the controller takes at most to have a new version READY.
    """

    repository: Path
    shelf: Shelf
    compiled_dir: Path
    uploads_dir: Path
    data_dir: Path | None
    data_limits: DataLimits
    capture_dir: Path
    versions: VersionStore
    quality: QualityStore
    evaluations: EvaluationStore
    tell: Callable[[], object]
    custom: LoadOptions
    threads: int
    compile_timeout_s: float
    bring: Callable[[str], object] = len  # where nothing is to be fetched

    def places(self, model: str) -> DataPlaces:
        """Where data files for a model lie."""
        return DataPlaces(self.uploads_dir / model, self.data_dir, self.data_limits)

    def live(self, model: str) -> LiveRows:
        """Where captured inputs of a model and their labels lie."""
        return LiveRows(self.capture_dir, self.quality, model)


def open_workplace(settings: Settings, engine: Engine, threads: int = 1) -> Workplace:
    """The workplace of the program that has these settings and this database."""
    key = settings.repository_key
    return Workplace(
        repository=settings.repository,
        shelf=open_shelf(settings, JOB_PATIENCE_S),
        compiled_dir=settings.compiled_path.absolute(),
        uploads_dir=settings.uploads_dir,
        data_dir=settings.data_dir,
        data_limits=DataLimits(max_bytes=settings.max_data_mb * MEBIBYTE),
        capture_dir=settings.capture_dir,
        versions=VersionStore(engine, key),
        quality=QualityStore(engine, key),
        evaluations=EvaluationStore(engine, key),
        tell=Bell(settings.run_dir / "bell").ring,
        custom=custom_options(settings),
        threads=threads,
        compile_timeout_s=settings.compile_timeout_s,
        bring=open_compiled_store(settings).bring,
    )
