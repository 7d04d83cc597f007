"""Go on with the state of a file's optimizer, where it is beyond doubt what belongs to what.

Keras 3 has no way from an `.h5` of Keras 2 to its own slot variables, and in its own files it
counts arrays. Here they are matched by slot and order, shape by shape, and held against their
names where the file has some. A second optimizer, built over what the file's was built over, takes
them in first: what is frozen now has no slots any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.loading.saved_training import SavedArray
from service.training.model.optimizer_arrays import (
    OF_KERAS_3,
    SlotArrays,
    find_stranger,
    sort_arrays,
)

RATE = "learning_rate"
NONE = "the file has none"
OTHER_SHAPES = "the file's arrays have other shapes than the optimizer's"


def in_file_order(model: Any, config: Any, renamed: Mapping[str, str]) -> list[Any]:
    """What learns, in the order in which the file's optimizer was built over it.

    That is the order of the layers in the configuration, which Keras 3 may have sorted otherwise.
    `renamed` maps layers to their names in the file.
    """
    settings = config.get("config") if isinstance(config, Mapping) else None
    records = settings.get("layers") if isinstance(settings, Mapping) else settings
    names = [_name(record) for record in records] if isinstance(records, list) else []
    places = {name: place for place, name in enumerate(names)}
    layers = [(str(layer.name), layer) for layer in model.layers]
    if not {renamed.get(name, name) for name, layer in layers if layer.weights} <= set(places):
        return list(model.trainable_variables)
    ordered = sorted(layers, key=lambda each: places.get(renamed.get(each[0], each[0]), -1))
    found = {id(v): v for _, layer in ordered for v in layer.trainable_variables}
    return list(found.values())


def _name(record: Any) -> str:
    settings = record.get("config") if isinstance(record, Mapping) else None
    return str(settings.get("name")) if isinstance(settings, Mapping) else ""


def restore(optimizer: Any, variables: Sequence[Any], arrays: Sequence[SavedArray]) -> str:
    """Give a built optimizer the file's state; empty if that is done.

    `variables` are those that the file's optimizer was built over, in the model's order. Else
    returns why not, and the optimizer is as it was.
    """
    source = type(optimizer).from_config(optimizer.get_config())
    source.build(list(variables))
    if all(array.name.isdecimal() for array in arrays):
        why = _fill_in_order(source, [array.value for array in arrays])
    else:
        sorted_arrays = sort_arrays(type(optimizer).__name__, arrays, len(variables))
        why = _fill(source, variables, sorted_arrays)
    return why or _copy(source, optimizer, variables)


def _fill_in_order(source: Any, values: Sequence[np.ndarray]) -> str:
    """A `.keras` file: the optimizer's variables as they lie; before Keras 3 without the rate."""
    targets = list(source.variables)
    if len(values) != len(targets):
        targets = [target for target in targets if target.name != RATE]
    if len(values) < len(targets) and len(values) <= 2:
        return NONE
    if [value.shape for value in values] != [tuple(target.shape) for target in targets]:
        return OTHER_SHAPES
    if not all(np.isfinite(value).all() for value in values):
        return "it isn't finite"
    for target, value in zip(targets, values, strict=True):
        target.assign(value)
    return ""


def _fill(source: Any, variables: Sequence[Any], found: SlotArrays | str) -> str:
    """A legacy file: slot by slot."""
    if isinstance(found, str):
        return found
    ours = _by_slot(source)
    if ours and not found.slots:
        return NONE
    planned: list[tuple[Any, np.ndarray]] = []
    for slot, targets in ours.items():
        arrays = found.slots.get(slot, ())
        if [a.value.shape for a in arrays] != [tuple(target.shape) for target in targets]:
            return OTHER_SHAPES if arrays else f"the file has no {slot}"
        stranger = find_stranger(arrays, [variable.path for variable in variables])
        if stranger:
            return f"the file has it for {stranger}, the model has another variable at that place"
        planned += zip(targets, (array.value for array in arrays), strict=True)
    if not all(np.isfinite(value).all() for _, value in planned):
        return "it isn't finite"
    for target, value in planned:
        target.assign(value)
    if found.steps is not None:
        source._iterations.assign(found.steps)
    return ""


def _copy(source: Any, optimizer: Any, variables: Sequence[Any]) -> str:
    """Hand on what belongs to the variables that learn now."""
    learning = optimizer._trainable_variables
    if [id(each) for each in learning] == [id(each) for each in variables]:
        pairs = list(zip(optimizer.variables, source.variables, strict=True))
    else:
        places = {id(variable): index for index, variable in enumerate(variables)}
        new = next((each.path for each in learning if id(each) not in places), "")
        if new:
            return f"the file has none for {new}, which was frozen there"
        theirs = _by_slot(source)
        pairs = [(optimizer._iterations, source._iterations)]
        for slot, targets in _by_slot(optimizer).items():
            for variable, target in zip(learning, targets, strict=True):
                pairs.append((target, theirs[slot][places[id(variable)]]))
    for target, value in pairs:
        if target.name != RATE:
            target.assign(value)
    return ""


def _by_slot(optimizer: Any) -> dict[str, list[Any]]:
    """The optimizer's slot variables by slot, each in the order of the variables that learn."""
    found: dict[str, list[Any]] = {}
    for variable in optimizer.variables:
        fitting = [slot for slot in OF_KERAS_3 if variable.name.endswith(f"_{slot}")]
        if fitting:
            found.setdefault(max(fitting, key=len), []).append(variable)
    return found
