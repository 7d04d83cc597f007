"""Plan a legacy file: one group of arrays a layer, those of nested layers in one row."""

import re
from collections.abc import Sequence
from typing import Any

from service.base.refusals import WeightsMismatch
from service.loading.weights.matching import Candidate, Match, match, plain_name
from service.loading.weights.plan import Plan
from service.loading.weights.source import CELL, FileArray, FileLayer, Source
from service.loading.weights.targets import (
    Leaf,
    has_weights,
    is_model,
    leaves,
    legacy_variables,
    own_leaf,
    shape_of,
    snake_case,
)


def plan_flat(plan: Plan, source: Source, model: Any) -> None:
    """Plan every layer of a legacy file for the layers of a model. Raises WeightsMismatch."""
    files = source.root.inner
    targets = _targets(plan, files, model)
    if len(files) == 1 and len(files[0].arrays) == len(legacy_variables(model)):
        targets = [model] if len(targets) > 1 else targets  # one layer of what multi_gpu_model made
    found = match(
        [Candidate(plain_name(file.name), _file_shapes(file.arrays)) for file in files],
        [_candidate(layer) for layer in targets],
        lambda file, target: not _misfit(plan, files[file], targets[target]),
        plan.mode,
        source.is_ordered,
    )
    plan.by |= found.by
    names = [layer.name for layer in targets]
    plan.ambiguous += describe(found, [file.label for file in files], names)
    paired = {file for file, _ in found.pairs}
    plan.left_in_file += [file.label for i, file in enumerate(files) if i not in paired]
    for index, target in found.pairs:
        _plan_or_leave(plan, files[index], targets[target])
    if source.root.arrays:
        plan.put(source.root.arrays, own_leaf(model, str(model.name)), "the model itself")


def describe(found: Match, files: Sequence[str], targets: Sequence[str]) -> list[str]:
    """What could be exchanged, in words."""
    partners = dict(found.pairs)
    texts = []
    for group in found.ambiguous:
        ours = ", ".join(f"'{files[index]}'" for index in group)
        theirs = ", ".join(f"'{targets[partners[i]]}'" for i in group if i in partners)
        texts.append(f"{ours} of the file" + (f" and {theirs} of the model" if theirs else ""))
    return texts


def _targets(plan: Plan, files: Sequence[FileLayer], model: Any) -> list[Any]:
    """The model's layers with weights; Keras 1 listed the layers of nested models themselves."""
    targets = [layer for layer in model.layers if has_weights(layer)]
    if plan.layout.is_keras_1 and len(targets) != len(files):
        flat = [each for layer in targets for each in _unnested(layer)]
        if len(flat) == len(files):
            return flat
    return targets


def _unnested(layer: Any) -> list[Any]:
    if not is_model(layer):
        return [layer] if has_weights(layer) else []
    return [each for within in layer.layers for each in _unnested(within)]


def _candidate(layer: Any) -> Candidate:
    shapes = tuple(shape_of(variable) for variable in legacy_variables(layer))
    return Candidate(plain_name(layer.name), shapes, snake_case(type(layer).__name__))


def _file_shapes(arrays: Sequence[FileArray]) -> tuple[tuple[int, ...], ...]:
    return tuple(array.value.shape for array in arrays)


def _misfit(plan: Plan, file: FileLayer, layer: Any) -> str:
    """Why a layer of the file can't go into one of the model; empty if it can."""
    try:
        _plan_layer(plan.scratch(), file, layer)
    except WeightsMismatch as error:
        return str(error)
    return ""


def _plan_or_leave(plan: Plan, file: FileLayer, layer: Any) -> None:
    if plan.mode == "fit" and (why := _misfit(plan, file, layer)):
        plan.leave(file.label, why, str(layer.name))
        return
    _plan_layer(plan, file, layer)
    plan.matched.append((file.label, str(layer.name)))


def _plan_layer(plan: Plan, file: FileLayer, layer: Any) -> None:
    found = leaves(layer, str(layer.name))
    groups = _by_owner(file.arrays)
    if len(found) == 1:
        plan.put(file.arrays, found[0], file.label)
    elif len(groups) == len(found) and all(map(_is_distinct, groups.values())):
        _plan_groups(plan, groups, found, layer)
    else:
        _plan_row(plan, file, found)


def _plan_groups(
    plan: Plan, groups: dict[str, list[FileArray]], found: list[Leaf], layer: Any
) -> None:
    """The inner layers, by the names before their arrays' names."""
    owners, names = _comparable(
        list(groups), [leaf.variables[0].owner or leaf.name for leaf in found]
    )
    arrays = list(groups.values())
    inner = match(
        [Candidate(name, _file_shapes(each)) for name, each in zip(owners, arrays, strict=True)],
        [
            Candidate(name, tuple(v.shape for v in leaf.variables), snake_case(leaf.class_name))
            for name, leaf in zip(names, found, strict=True)
        ],
        lambda file, target: True,
        "order" if plan.mode == "order" else "strict",
    )
    pairs = inner.pairs
    if inner.ambiguous:
        # The order within a layer of one class is that class's; a nested model can be another one.
        if any(is_model(each) for each in (layer, *layer._flatten_layers())):
            plan.refuse_doubt(describe(inner, list(groups), [leaf.label for leaf in found]))
        pairs = [(index, index) for index in range(len(found))]
    for index, target in pairs:
        plan.put(arrays[index], found[target], list(groups)[index])


def _plan_row(plan: Plan, file: FileLayer, found: list[Leaf]) -> None:
    """Without names to go by: the arrays in the order in which a legacy file writes variables."""
    wanted = sum(len(leaf.variables) for leaf in found)
    if wanted != len(file.arrays):
        top = found[0].label.split("/")[0] if found else file.label
        plan.refuse(
            f"layer '{top}' has {wanted} arrays of weights, "
            f"the file's layer '{file.label}' {len(file.arrays)}"
        )
    for leaf in found:
        arrays = [file.arrays[variable.position] for variable in leaf.variables]
        plan.put(arrays, leaf, file.label)


def _by_owner(arrays: Sequence[FileArray]) -> dict[str, list[FileArray]]:
    groups: dict[str, list[FileArray]] = {}
    for array in arrays:
        groups.setdefault(array.owner, []).append(array)
    return groups


def _is_distinct(arrays: list[FileArray]) -> bool:
    return len({array.name for array in arrays}) == len(arrays)


def _comparable(owners: list[str], names: list[str]) -> tuple[list[str], list[str]]:
    """The shortest ends of the paths that tell the layers of either side apart."""
    short = [_tail(owner) for owner in owners], [_tail(name) for name in names]
    if len(set(short[0])) < len(owners) or len(set(short[1])) < len(names):
        return [_relative(owner) for owner in owners], [_relative(name) for name in names]
    stripped = [re.sub(r"_\d+$", "", name) for name in short[0]]  # TensorFlow 1 made names unique
    return (stripped if set(stripped) == set(short[1]) else short[0]), short[1]


def _tail(path: str) -> str:
    parts = [part for part in path.split("/") if not CELL.fullmatch(part)] or path.split("/")
    return parts[-1]


def _relative(path: str) -> str:
    return path.partition("/")[2] or path
