"""Look at the files of a version without TensorFlow: what they are, what they need, what is wrong.

Nothing is built and nothing the files name is imported. What can't be understood or is unsafe is
told here, before Keras sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py

from service.base.magic import kind_of, tell_stranger
from service.base.refusals import FileBroken
from service.base.strict_json import Json, parse_object
from service.loading.architecture import examine
from service.loading.files.archive import open_archive
from service.loading.files.checkpoint import is_checkpoint_index, open_checkpoint
from service.loading.files.hdf5 import (
    count_elements,
    has_list,
    kind_of_hdf5,
    open_hdf5,
    text_attribute,
    weights_group,
)
from service.loading.files.hdf5_summary import (
    array_names,
    has_optimizer_state,
    keras_1_backend,
    layer_names,
)
from service.loading.inspected import Inspection
from service.loading.saved_model.inspection import inspect_saved_model, saved_model_prefix
from service.loading.upgrade.era import KERAS_1

METADATA = "metadata.json"
MAX_LISTED = 6
MOST_CONTAINERS = 300_000  # a model of a thousand layers has some forty thousand
# Configurations of another format that lie beside old models; none is an architecture.
NO_ARCHITECTURES = frozenset({METADATA, "keras_metadata.pb", "fingerprint.pb"})


def inspect_files(files: Mapping[str, Path], signature_name: str = "") -> Inspection:
    """Inspect the files of one version, given by name.

    Raises FileBroken when they aren't a whole model; hazards are reported, not raised.
    """
    if saved_model_prefix(files) is not None:
        return _inspect_saved_model(files, signature_name)
    by_kind = _by_kind(files)
    if by_kind["zip"]:
        name = _only(by_kind["zip"], ".keras archives")
        return _inspect_archive(name, files[name])
    architectures = [n for n in by_kind["json"] if Path(n).name not in NO_ARCHITECTURES]
    weights = [*by_kind["hdf5"], *by_kind["checkpoint"]]
    if weights and architectures:
        return _inspect_pair(
            _only(architectures, "architecture files (JSON)"),
            _only(weights, "weights files"),
            files,
        )
    if weights:
        name = _only(weights, "model files")
        return _inspect_whole(name, files[name])
    if architectures:
        raise FileBroken(
            architectures[0], "an architecture without weights; put the weights file beside it"
        )
    raise _no_model(files)


def _by_kind(files: Mapping[str, Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"hdf5": [], "zip": [], "json": [], "checkpoint": [], "other": []}
    for name in sorted(files):
        kind: str = kind_of(files[name])
        if kind == "other" and name.endswith(".index") and is_checkpoint_index(files[name]):
            kind = "checkpoint"
        found.setdefault(kind, []).append(name)
    return found


def _no_model(files: Mapping[str, Path]) -> FileBroken:
    for name in sorted(files):
        stranger = tell_stranger(files[name])
        if stranger:
            return FileBroken(name, stranger)
    listed = ", ".join(sorted(files)[:MAX_LISTED]) or "no file"
    return FileBroken(
        listed,
        "neither HDF5 (.h5), nor a .keras archive, nor architecture JSON, nor a SavedModel"
        " (saved_model.pb), nor a TensorFlow checkpoint (.index)",
    )


def _only(names: list[str], what: str) -> str:
    if len(names) > 1:
        raise FileBroken(", ".join(names[:MAX_LISTED]), f"several {what}; a version has one")
    return names[0]


def _inspect_whole(name: str, path: Path) -> Inspection:
    if name.endswith(".index"):
        with open_checkpoint(path) as checkpoint:
            layers = {key.split("/")[0] for key in checkpoint.entries if not key.startswith("_")}
            raise _weights_only(name, sorted(layers))
    with open_hdf5(path) as file:
        kind = kind_of_hdf5(file)
        if kind in ("legacy_weights", "keras3_weights"):
            raise _weights_only(name, layer_names(file))
        if kind == "other":
            raise FileBroken(name, "is HDF5, but neither a Keras model nor Keras weights")
        training = text_attribute(file, "training_config")
        weights = _told_by(file, name)
        found = Inspection(
            format="h5",
            keras_version=text_attribute(file, "keras_version"),
            backend=weights.backend,
            config=_parse(name, text_attribute(file, "model_config")),
            architecture_file=name,
            weights_file=name,
            parameters=weights.parameters,
        )
        found = examine(found, _parse_training(training), has_optimizer_state(file))
        return _with_backend(found, weights)


def _weights_only(name: str, layers: list[str]) -> FileBroken:
    told = ", ".join(layers[:MAX_LISTED]) + (", ..." if len(layers) > MAX_LISTED else "")
    return FileBroken(
        name,
        f"holds weights only ({len(layers)} layers: {told}); "
        "put the architecture (model.to_json()) beside it",
    )


def _inspect_pair(architecture: str, weights: str, files: Mapping[str, Path]) -> Inspection:
    record = _parse(architecture, files[architecture].read_bytes())
    told = _inspect_weights(weights, files[weights])
    version = told.keras_version
    metadata = next((files[n] for n in files if Path(n).name == METADATA), None)
    if metadata is not None:
        version = str(_parse(METADATA, metadata.read_bytes()).get("keras_version", version))
    found = Inspection(
        format="json+weights",
        keras_version=str(record.get("keras_version") or version),
        backend=told.backend or str(record.get("backend") or ""),
        config=record,
        architecture_file=architecture,
        weights_file=weights,
        parameters=told.parameters,
    )
    return _with_backend(examine(found, record if "loss" in record else {}, False), told)


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a weights file tells; `if_keras_1` is its backend in case that Keras 1 wrote it."""

    parameters: int
    keras_version: str = ""
    backend: str = ""
    if_keras_1: str = ""


def _inspect_weights(name: str, path: Path) -> _Weights:
    if name.endswith(".index") and kind_of(path) == "other":
        with open_checkpoint(path) as checkpoint:
            return _Weights(sum(_size(entry.shape) for entry in checkpoint.entries.values()))
    with open_hdf5(path) as file:
        if kind_of_hdf5(file) == "other":
            raise FileBroken(name, "is HDF5, but holds no Keras weights")
        return _told_by(file, name)


def _told_by(file: h5py.File, name: str) -> _Weights:
    group = weights_group(file, name)
    return _Weights(
        count_elements(group),
        text_attribute(group, "keras_version"),
        text_attribute(group, "backend") or text_attribute(file, "backend"),
        keras_1_backend(array_names(group)) if has_list(group, "layer_names") else "",
    )


def _with_backend(found: Inspection, weights: _Weights) -> Inspection:
    """The padding of a model hangs on its backend, which Keras 1 only told by the arrays' names."""
    if found.backend or found.era != KERAS_1:
        return found
    return replace(found, backend=weights.if_keras_1)


def _inspect_archive(name: str, path: Path) -> Inspection:
    with open_archive(path) as archive:
        metadata = _parse(name, archive.read(METADATA))
        config = _parse(name, archive.read("config.json"))
        with archive.extracted("model.weights.h5") as weights, open_hdf5(weights) as file:
            parameters = count_elements(file.get("layers", file))
            has_state = has_optimizer_state(file)
    found = Inspection(
        format="keras",
        keras_version=str(metadata.get("keras_version", "")),
        backend="",
        config=config,
        architecture_file=name,
        weights_file=name,
        parameters=parameters,
    )
    return examine(found, config.get("compile_config") or {}, has_state)


def _inspect_saved_model(files: Mapping[str, Path], signature_name: str) -> Inspection:
    found = inspect_saved_model(files, signature_name)
    name = found.graph_file
    return Inspection(
        format="saved_model",
        keras_version=found.keras_version,
        backend="tensorflow",
        config={},
        architecture_file=name,
        weights_file=name,
        era="SavedModel",
        inputs={spec.name: list(spec.shape) for spec in found.signature.inputs},
        outputs={spec.name: list(spec.shape) for spec in found.signature.outputs},
        parameters=found.parameters,
        hazards=found.hazards,
        signature=found.signature,
        signature_name=found.signature_name,
    )


def _size(shape: tuple[int, ...]) -> int:
    elements = 1
    for axis in shape:
        elements *= axis
    return elements


def _parse_training(text: str) -> Any:
    """The training configuration, or nothing where it can't be read: serving needs none of it."""
    try:
        return parse_object(text, MOST_CONTAINERS) if text else {}
    except ValueError:
        return {}


def _parse(name: str, text: bytes | str) -> Json:
    try:
        return parse_object(text, MOST_CONTAINERS)
    except ValueError as error:
        raise FileBroken(name, f"its JSON can't be read: {error}") from error
