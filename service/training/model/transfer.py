"""Where a model's weights come from: a version, the seed, or a weights file as far as it fits."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.base.magic import kind_of
from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.data.checkpoint_zip import ZIP, is_checkpoint, unpack_checkpoint
from service.loading.building import WEIGHTS_MEMBER
from service.loading.files.archive import open_archive
from service.loading.weights.assignment import WeightOptions, WeightsReport, load_weights
from service.loading.weights.targets import is_model, is_seed, leaves

MAX_TOLD = 2000
NO_LAYER = "the file has no layer for it"
FRESH: Json = {"state": "fresh", "why": "the architecture alone was asked for"}
ADAPTED: Json = {"state": "kept", "why": "adapted to data by the version, not learned"}
NEW_HEAD: Json = {"state": "fresh", "why": "the new head"}


@dataclass(frozen=True, slots=True)
class Transferred:
    """A weights file that was laid over a model; `within` names the inner model that it fits."""

    report: WeightsReport
    within: str = ""


def make_fresh(model: Any, fill: Callable[[], object]) -> frozenset[int]:
    """Let `fill` load a version's weights, then make all fresh again but what fit never learns.

    What preprocessing layers have adapted to, vocabularies and means, is no weight: without it the
    same inputs would mean something else. Returns the ids of the variables that keep theirs.
    """
    fresh = [(variable, variable.numpy()) for variable in model.variables if not is_seed(variable)]
    fill()
    adapted = frozenset(
        id(variable)
        for layer in model._flatten_layers()
        if hasattr(layer, "adapt")
        for variable in layer.variables
    )
    for variable, value in fresh:
        if id(variable) not in adapted:
            variable.assign(value)
    return adapted


def lay_over(model: Any, path: Path, file: str, told: WeightOptions) -> Transferred:
    """Load what of a weights file fits by name, into the model or else a model within it.

    Raises TrainingRefused when nothing does, FileBroken or FileUnsafe for the file itself.
    """
    told = replace(told, mode="fit")
    with _weights(path) as opened:
        report = load_weights(model, opened, path.name, told)
        if report.assigned:
            return Transferred(report)
        for inner in (layer for layer in model._flatten_layers() if layer is not model):
            if is_model(inner):
                found = load_weights(inner, opened, path.name, told)
                if found.assigned:
                    return Transferred(found, str(inner.name))
    why = "; ".join([*report.reasons, *report.ambiguous][:3])
    raise TrainingRefused(
        file,
        f"nothing of the weights file {path.name} fits{': ' + why if why else ''}; its layers are "
        f"{_names(report.left_in_file)}, the model's are {_names([x.name for x in model.layers])}",
    )


def tell_weights(model: Any, found: Transferred | None, known: Mapping[int, Json]) -> Json:
    """Each variable of a model for the job's report: loaded, or not and why.

    `known` says what is told of variables anyhow, by their ids, which hold while their model lives.
    """
    variables = list(_tell_variables(model, found, known))
    counts = Counter(record["state"] for record in variables)
    told: Json = {"counts": dict(counts), "variables": variables[:MAX_TOLD]}
    if found is not None:
        told["matched_by"] = found.report.by
        told["left_in_file"] = list(found.report.left_in_file[:MAX_TOLD])
        told["within"] = found.within
    return told


def _tell_variables(
    model: Any, found: Transferred | None, known: Mapping[int, Json]
) -> Iterator[Json]:
    seen: set[int] = set()
    for layer in (*model.layers, model):
        for leaf in leaves(layer, str(layer.name)):
            for variable in leaf.variables:
                if variable.key not in seen:
                    seen.add(variable.key)
                    name = f"{leaf.label}/{variable.name}"
                    state = known.get(variable.key) or _state(leaf.label, variable.key, found)
                    yield {"variable": name, "shape": list(variable.shape), **state}


def _state(label: str, key: int, found: Transferred | None) -> Json:
    if found is None:
        return FRESH
    if key in found.report.assigned:
        origins = {ours: theirs for theirs, ours in found.report.matched}
        return {"state": "loaded", "from": _longest(_inside(label, found.within), origins)}
    misfit = _longest(_inside(label, found.within), found.report.misfits)
    return {"state": "fresh", "why": misfit or NO_LAYER}


def _inside(label: str, within: str) -> str:
    return label.split(f"{within}/", 1)[-1] if within else label


def _longest(label: str, by_layer: Mapping[str, str]) -> str:
    """What is said of a layer, or of the one that it lies in."""
    words = label.split("/")
    for count in range(len(words), 0, -1):
        text = by_layer.get("/".join(words[:count]))
        if text:
            return text
    return ""


@contextmanager
def _weights(path: Path) -> Iterator[Path]:
    """The file itself, or the weights out of an archive: a `.keras` file, or a checkpoint."""
    if kind_of(path) != "zip":
        yield path
        return
    if path.suffix.lower() == ZIP and is_checkpoint(path):
        with tempfile.TemporaryDirectory() as folder:
            yield unpack_checkpoint(path, Path(folder))
        return
    with open_archive(path) as archive, archive.extracted(WEIGHTS_MEMBER) as weights:
        yield weights


def _names(names: Any, most: int = 8) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:most]) + (", ..." if len(listed) > most else "") or "none"
