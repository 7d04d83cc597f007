"""A state directory in which a version is READY, and a data folder: for commands and jobs."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from service.base.database import open_database
from service.base.settings import Settings
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.databases import migrate
from tests.training.batch_world import CLASSES, copying, rows_of, write_lists

MODEL, VERSION, ARTEFACT = "pets", 3, "c" * 64
FILES, ROWS, WIDTH = 6, 3000, 3


@dataclass(frozen=True)
class BatchState:
    """`data/in` has files; nothing else knows of them."""

    settings: Settings
    engine: Engine

    @property
    def data(self) -> Path:
        assert self.settings.data_dir is not None
        return self.settings.data_dir

    def environment(self) -> Mapping[str, str]:
        """For a process of its own."""
        others = {key: value for key, value in os.environ.items() if "KERASD_" not in key}
        return {**others, **self.settings.environment()}

    def files(self, name: str) -> dict[str, bytes]:
        """What was written below a folder of the data folder, by name."""
        folder = self.data / name
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith("_kerasd")
        }


def make_state(root: Path, config: ModelConfig = CLASSES, **settings: Any) -> BatchState:
    """With a version that copies its three features to its scores."""
    for name in ("models", "state", "data"):
        (root / name).mkdir()
    told = Settings(
        repository=root / "models", state_dir=root / "state", data_dir=root / "data", **settings
    )
    engine = open_database(told.database)
    migrate(engine)
    copying(told.compiled_path / ARTEFACT, WIDTH)
    row = VersionRow(MODEL, VERSION, State.READY, artefact=ARTEFACT, config=config)
    VersionStore(engine, told.repository_key).replace([row])
    return BatchState(told, engine)


def write_files(state: BatchState, files: int = FILES, rows: int = ROWS) -> None:
    """Files of rows that all differ, below `data/in`."""
    shutil.rmtree(state.data / "in", ignore_errors=True)
    for number in range(files):
        values = rows_of(rows, WIDTH, number)
        write_lists(state.data / "in" / f"{number}.parquet", values, number * rows)
