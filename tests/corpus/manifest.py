"""What the corpus is made of: packages, their files, and what each file is known to do."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CLASSES = "_classes"  # the folder of the cache for classes out of packages


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned distribution: pip's requirement, the file's name, its sha256 and size."""

    requirement: str
    dist: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Member:
    """One file: where it is laid out, and where it lies in the package; empty = made by us."""

    path: str
    sha256: str
    size: int
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one package that belong together, laid out in the cache's folder `name`."""

    name: str
    package: str
    files: tuple[Member, ...]
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorpusModel:
    """One model; `custom_objects` are the modules of classes that it needs.

    `settings` are what its `model.yaml` must say of how its files are opened.
    `refused_with` are words of the reason for which it can't be served; empty = it must be.
    """

    part: Part
    tier: str
    format: str
    era: str
    custom_objects: tuple[str, ...]
    keras_3_alone: str
    tf_keras_alone: str
    golden: Path | None
    refused_with: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name in the corpus and in the service."""
        return self.part.name


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that the corpus knows."""

    packages: dict[str, Package]
    models: tuple[CorpusModel, ...]
    classes: tuple[Part, ...]

    def choose(self, tier: str, only: Iterable[str] = ()) -> list[CorpusModel]:
        """The models of a tier (`full` has all), or those named. Raises KeyError for a name."""
        by_name = {model.name: model for model in self.models}
        if only:
            return [by_name[name] for name in only]
        return [model for model in self.models if tier in ("full", model.tier)]

    def parts(self, models: Iterable[CorpusModel]) -> list[Part]:
        """All that must be fetched for these models: their files and the classes they need."""
        chosen = list(models)
        needed = {module for model in chosen for module in model.custom_objects}
        classes = [part for part in self.classes if needed & set(part.modules)]
        return [*(model.part for model in chosen), *classes]


def read_manifest() -> Manifest:
    """Read `manifest.json`."""
    record = json.loads((FOLDER / "manifest.json").read_text())
    packages = {name: Package(name, **fields) for name, fields in record["packages"].items()}
    classes = tuple(_part({**fields, "name": CLASSES}) for fields in record["class_packages"])
    return Manifest(packages, tuple(_model(fields) for fields in record["models"]), classes)


def _part(fields: dict[str, Any]) -> Part:
    files = tuple(Member(**member) for member in fields["files"])
    return Part(fields["name"], fields["package"], files, tuple(fields.get("modules", ())))


def _model(fields: dict[str, Any]) -> CorpusModel:
    golden = fields.get("golden")
    return CorpusModel(
        part=_part(fields),
        tier=fields["tier"],
        format=fields["format"],
        era=fields["era"],
        custom_objects=tuple(fields["custom_objects"]),
        keras_3_alone=fields["keras_3_alone"],
        tf_keras_alone=fields["tf_keras_alone"],
        golden=FOLDER / "golden" / golden if golden else None,
        refused_with=fields.get("refused_with", ""),
        settings=fields.get("settings", {}),
    )
