"""Put the arrays of a weights file into a built model, and say what went where.

Keras loads by order and looks at shapes only, so weights of another layer get in unnoticed. Here
every array is matched by path or name; where only the order is left, it must be beyond doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import h5py

from service.base.refusals import WeightsMismatch
from service.loading.files.checkpoint import is_checkpoint_index
from service.loading.files.hdf5_summary import keras_1_backend
from service.loading.weights.checkpoint import read_checkpoint_source
from service.loading.weights.flat import plan_flat
from service.loading.weights.layouts import Layout
from service.loading.weights.matching import WEAKEST, By, Mode
from service.loading.weights.plan import Plan
from service.loading.weights.source import KERAS_1_NAME, Source, read_hdf5_source
from service.loading.weights.targets import has_weights, leaves
from service.loading.weights.tree import plan_tree

MAX_NAMES = 8


@dataclass(frozen=True, slots=True)
class WeightOptions:
    """How to match, and what the architecture records about its time.

    `mode` "order" goes by the order of the layers alone, "fit" takes what fits by name and leaves
    the rest. `kernels` says what to do with convolution kernels that Theano may have written.
    """

    mode: Mode = "strict"
    kernels: Literal["auto", "keep", "flip"] = "auto"
    keras_version: str = ""
    backend: str = ""
    dim_ordering: str = ""


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What rests on what: `matched` are (layer of the file, layer of the model).

    `ignored` is of no use for predictions, `elsewhere` are layers whose state is no array.
    `assigned` are the ids of the variables that got a value, `misfits` says why by layer of the
    model; both in terms of the model, while it lives.
    """

    by: By
    matched: tuple[tuple[str, str], ...] = ()
    left_in_file: tuple[str, ...] = ()
    left_in_model: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    assigned: frozenset[int] = frozenset()
    misfits: Mapping[str, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The same for people, in short sentences."""
        said = [f"{len(self.matched)} layers were matched by {self.by}."]
        for text, names in (
            ("Left in the file", self.left_in_file),
            ("Not loaded, as before in the model", self.left_in_model),
            ("Could be exchanged", self.ambiguous),
            ("Converted", self.conversions),
            ("Not read, as it only serves training", self.ignored),
            ("Their vocabulary is not in the weights file", self.elsewhere),
        ):
            if names:
                said.append(f"{text}: {_names(names)}.")
        return said + [f"{reason}." for reason in self.reasons]


def load_weights(
    model: Any, path: Path, file_name: str, options: WeightOptions | None = None
) -> WeightsReport:
    """Assign the arrays of a file to a built model of Keras 3 or tf_keras.

    The file is HDF5 in any layout, or the index of a TensorFlow checkpoint, told by its content.
    Raises WeightsMismatch, FileBroken or FileUnsafe, and has assigned nothing then.
    """
    options = options or WeightOptions()
    source = _read(path, file_name)
    plan = Plan(file_name, options.mode, layout_of(source, options))
    if source.is_tree:
        plan_tree(plan, source.root, model)
    else:
        plan_flat(plan, source, model)
    plan.left_in_file += source.unlisted
    left_in_model = _left_in_model(model, plan)
    if plan.ambiguous and plan.mode == "strict":
        plan.refuse_doubt(plan.ambiguous)
    if options.mode != "fit":
        _refuse_leftovers(plan, source, model, left_in_model)
    for assign, value in plan.assignments:
        assign(value)
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # Normalization computes with copies of its weights
            layer.finalize_state()
    return replace(
        _report(plan, left_in_model),
        ignored=(*source.ignored, *plan.ignored),
        elsewhere=tuple(
            str(each.name) for each in model._flatten_layers() if hasattr(each, "load_assets")
        ),
    )


def layout_of(source: Source, options: WeightOptions) -> Layout:
    """How the file's arrays lie, by what the file records; else by what the architecture does."""
    is_keras_1 = _is_keras_1(source, options.keras_version)
    backend = source.backend or options.backend
    if is_keras_1 and not backend:
        backend = keras_1_backend(array.label for array in source.root.all_arrays())
    is_flipped = {"auto": backend == "theano", "keep": False, "flip": True}[options.kernels]
    return Layout(is_keras_1, is_keras_1 and options.dim_ordering == "th", is_flipped)


def _read(path: Path, name: str) -> Source:
    if not h5py.is_hdf5(path) and (path.suffix == ".index" or is_checkpoint_index(path)):
        return read_checkpoint_source(path, name)
    return read_hdf5_source(path, name)


def _is_keras_1(source: Source, keras_version: str) -> bool:
    """Files of Keras 1 don't record a version; their arrays are called dense_1_W or param_0."""
    if source.is_tree or source.keras_version:
        return source.keras_version.startswith("1.")
    names = [array.label.split(":")[0] for array in source.root.all_arrays()]
    is_old = any(
        name.startswith("param_") or KERAS_1_NAME.fullmatch(name)
        for name in names
        if "/" not in name
    )
    return is_old or keras_version.startswith("1.")


def _left_in_model(model: Any, plan: Plan) -> tuple[str, ...]:
    """The layers of the model that would keep the values they were built with."""
    seen = set(plan.done)
    labels = []
    for layer in (*model.layers, model):
        for leaf in leaves(layer, str(layer.name)):
            keys = {variable.key for variable in leaf.variables}
            if keys - seen:
                labels.append(leaf.label)
            seen |= keys
    return tuple(dict.fromkeys(labels))


def _refuse_leftovers(
    plan: Plan, source: Source, model: Any, left_in_model: tuple[str, ...]
) -> None:
    if not plan.left_in_file and not left_in_model:
        return
    why = []
    if not source.is_tree:
        ours = [str(layer.name) for layer in model.layers if has_weights(layer)]
        theirs = [layer.label for layer in source.root.inner]
        why.append(
            f"the model has {len(ours)} layers with weights ({_names(ours)}), "
            f"the file {len(theirs)} ({_names(theirs)})"
        )
    if left_in_model:
        why.append(f"the file has nothing for {_names(left_in_model)}")
    if plan.left_in_file:
        why.append(f"the model has no place for {_names(plan.left_in_file)} of the file")
    raise WeightsMismatch(plan.file_name, "; ".join(why))


def _report(plan: Plan, left_in_model: tuple[str, ...]) -> WeightsReport:
    by: By = next((each for each in WEAKEST if each in plan.by), "name")
    return WeightsReport(
        by,
        tuple(plan.matched),
        tuple(plan.left_in_file),
        left_in_model,
        tuple(plan.ambiguous),
        tuple(plan.conversions),
        reasons=tuple(plan.reasons),
        assigned=frozenset(plan.taken),
        misfits=plan.misfits,
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
