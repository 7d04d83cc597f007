"""What the engines wrote: the entries of every fixture's manifest."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIXTURES = Path(__file__).parent / "fixtures"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """One file as it was written; `path` is where it lies in the fixture."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Files of one version by the names they are served under, and the engine's own answers.

    `refused` is in the reason of a model that can't be served; `tolerance` is relative to the
    largest number of an output.
    """

    engine: str
    name: str
    purpose: str
    files: Mapping[str, Facts]
    layers: tuple[str, ...] = ()
    examples: str = ""
    refused: str = ""
    tolerance: float = 1e-4

    def __str__(self) -> str:
        return f"{self.engine}-{self.name}"

    @property
    def fixture(self) -> Path:
        """The archive that holds it."""
        return FIXTURES / f"{self.engine}.zip"

    def lay_out(self, folder: Path) -> dict[str, Path]:
        """Write the files below a folder, as a version of a model has them."""
        with zipfile.ZipFile(self.fixture) as archive:
            for name, facts in self.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(archive.read(facts.path))
        return {name: folder / name for name in self.files}

    def read_examples(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """What the engine was asked, and what it answered, both in the model's order."""
        with zipfile.ZipFile(self.fixture) as archive:
            content = io.BytesIO(archive.read(self.examples))
        with np.load(content, allow_pickle=False) as arrays:
            return _numbered(arrays, "x"), _numbered(arrays, "y")


def _numbered(arrays: Mapping[str, np.ndarray], letter: str) -> list[np.ndarray]:
    count = sum(key.startswith(letter) for key in arrays)
    return [arrays[f"{letter}{index}"] for index in range(count)]


def read_entries() -> list[Entry]:
    """Every entry, by engine and in the order of writing."""
    entries = []
    for path in sorted(FIXTURES.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
        entries += [_entry(manifest["engine"], record) for record in manifest["models"]]
    return entries


def _entry(engine: str, record: dict[str, Any]) -> Entry:
    files = {name: Facts(**facts) for name, facts in record["files"].items()}
    layers = tuple(record.get("layers", ()))
    return Entry(engine=engine, **{**record, "files": files, "layers": layers})
