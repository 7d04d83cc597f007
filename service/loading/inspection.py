"""Look at the files of a version without TensorFlow: format, era, layers, hazards.

Nothing is built and nothing the file names is imported. What can't be understood or is unsafe is
refused here, before Keras sees it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from service.base.errors import FileBroken, FileUnsafe, ModelUnsupported
from service.base.magic import kind_of
from service.loading.allowed import MODELS, find_hazards
from service.loading.archive import open_archive
from service.loading.hdf5 import (
    count_elements,
    kind_of_hdf5,
    open_hdf5,
    text_attribute,
    weights_group,
)
from service.loading.strict_json import parse_object

Format = Literal["h5", "json+weights", "keras"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One line of the layer table; `shape` is the input's shape where the file gives it."""

    name: str
    kind: str
    shape: list[int | None] | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a version is made of; `config` is its architecture as the file has it."""

    format: Format
    keras_version: str
    backend: str
    config: Json
    architecture_file: str
    weights_file: str
    layers: tuple[LayerSummary, ...] = ()
    parameters: int = 0
    training: Json = field(default_factory=dict)
    hazards: tuple[str, ...] = ()
    custom_classes: tuple[str, ...] = ()

    def report(self) -> Json:
        """A plain record for people and programs, without the long configuration."""
        record = asdict(self)
        del record["config"]
        return record

    def refuse_if_unsafe(self) -> None:
        """Raise FileUnsafe or ModelUnsupported unless the file may be given to Keras."""
        if self.hazards:
            raise FileUnsafe(self.architecture_file, self.hazards)
        if self.custom_classes:
            names = ", ".join(self.custom_classes)
            raise ModelUnsupported(
                self.architecture_file,
                f"it needs classes that Keras doesn't have: {names}",
            )


def inspect_files(files: Mapping[str, Path]) -> Inspection:
    """Inspect the files of one version, given by name.

    Raises FileBroken when they aren't a whole model; hazards are reported, not raised.
    """
    kinds = {name: kind_of(path) for name, path in files.items()}
    by_kind = {
        kind: sorted(name for name in files if kinds[name] == kind)
        for kind in ("hdf5", "zip", "json")
    }
    if by_kind["zip"]:
        name = _only(by_kind["zip"], ".keras archives")
        return _finish(_inspect_archive(name, files[name]))
    if by_kind["hdf5"] and by_kind["json"]:
        architecture = _only(by_kind["json"], "architecture files (JSON)")
        weights = _only(by_kind["hdf5"], "weights files")
        return _finish(_inspect_pair(architecture, files[architecture], weights, files[weights]))
    if by_kind["hdf5"]:
        name = _only(by_kind["hdf5"], "model files")
        return _finish(_inspect_whole(name, files[name]))
    if by_kind["json"]:
        name = by_kind["json"][0]
        raise FileBroken(name, "an architecture without weights; put the weights file beside it")
    listed = ", ".join(sorted(files)) or "no file"
    raise FileBroken(listed, "neither HDF5 (.h5), nor a .keras archive, nor architecture JSON")


def _only(names: list[str], what: str) -> str:
    if len(names) > 1:
        raise FileBroken(", ".join(names), f"several {what}; a version has one")
    return names[0]


def _inspect_whole(name: str, path: Path) -> Inspection:
    with open_hdf5(path) as file:
        kind = kind_of_hdf5(file)
        if kind in ("legacy_weights", "keras3_weights"):
            raise FileBroken(
                name, "holds weights only; put the architecture (model.to_json()) beside it"
            )
        if kind == "other":
            raise FileBroken(name, "is HDF5, but neither a Keras model nor Keras weights")
        training = text_attribute(file, "training_config")
        return Inspection(
            format="h5",
            keras_version=text_attribute(file, "keras_version"),
            backend=text_attribute(file, "backend"),
            config=_parse(name, text_attribute(file, "model_config")),
            architecture_file=name,
            weights_file=name,
            parameters=count_elements(weights_group(file, name)),
            training=_parse(name, training) if training else {},
        )


def _inspect_pair(architecture: str, path: Path, weights: str, weights_path: Path) -> Inspection:
    record = _parse(architecture, path.read_bytes())
    with open_hdf5(weights_path) as file:
        kind = kind_of_hdf5(file)
        if kind == "other":
            raise FileBroken(weights, "is HDF5, but holds no Keras weights")
        group = weights_group(file, weights)
        parameters = count_elements(group)
        version = text_attribute(group, "keras_version")
    return Inspection(
        format="json+weights",
        keras_version=str(record.get("keras_version") or version),
        backend=str(record.get("backend", "")),
        config=record,
        architecture_file=architecture,
        weights_file=weights,
        parameters=parameters,
    )


def _inspect_archive(name: str, path: Path) -> Inspection:
    with open_archive(path) as archive:
        metadata = _parse(name, archive.read("metadata.json"))
        config = _parse(name, archive.read("config.json"))
        with archive.extracted("model.weights.h5") as weights, open_hdf5(weights) as file:
            parameters = count_elements(file.get("layers", file))
    return Inspection(
        format="keras",
        keras_version=str(metadata.get("keras_version", "")),
        backend="",
        config=config,
        architecture_file=name,
        weights_file=name,
        parameters=parameters,
        training=config.get("compile_config") or {},
    )


def _finish(found: Inspection) -> Inspection:
    """Add what follows from the architecture alone."""
    class_name, settings = found.config.get("class_name"), found.config.get("config")
    if not isinstance(class_name, str) or not isinstance(settings, dict | list):
        raise FileBroken(found.architecture_file, "the JSON is no Keras architecture")
    if class_name not in MODELS:
        return replace(found, custom_classes=(class_name,))
    found = replace(found, config=without_training(found.config))
    hazards, custom_classes = find_hazards(found.config)
    return replace(
        found,
        layers=tuple(_layers(found.config)),
        hazards=tuple(hazards),
        custom_classes=tuple(custom_classes),
    )


def without_training(config: Any) -> Any:
    """A configuration without how it and the models in it were compiled: serving needs none."""
    if isinstance(config, dict):
        kept = {key: value for key, value in config.items() if key != "compile_config"}
        return {key: without_training(value) for key, value in kept.items()}
    if isinstance(config, list):
        return [without_training(value) for value in config]
    return config


def _layers(config: Json) -> list[LayerSummary]:
    inner = config["config"]
    layers = inner if isinstance(inner, list) else inner.get("layers")
    summaries = []
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            settings = layer["config"]
            shape = settings.get("batch_shape") or settings.get("batch_input_shape")
            shape = shape if isinstance(shape, list) else None
            name = str(settings.get("name", ""))[:128]
            summaries.append(LayerSummary(name, str(layer.get("class_name"))[:128], shape))
    return summaries


def _parse(name: str, text: bytes | str) -> Json:
    try:
        return parse_object(text)
    except ValueError as error:
        raise FileBroken(name, f"its JSON can't be read: {error}") from error
