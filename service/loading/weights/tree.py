"""Plan a file that is a tree: its groups are named as the attributes that hold the layers."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.base.refusals import WeightsMismatch
from service.loading.weights.flat import describe
from service.loading.weights.matching import Candidate, Match, match, plain_name
from service.loading.weights.plan import LOOKUP_ARRAY, Plan
from service.loading.weights.source import FileLayer
from service.loading.weights.targets import (
    has_weights,
    is_layer,
    is_model,
    leaves,
    legacy_variables,
    own_leaf,
    snake_case,
)

# Under these Keras keeps the layers of a model; the second one in Keras 2.12 to 2.15.
LAYERS = {"layers", "_layer_checkpoint_dependencies"}


def plan_tree(plan: Plan, node: FileLayer, layer: Any, label: str = "") -> None:
    """Plan a group of the file for a layer, and all below. Raises WeightsMismatch."""
    if node.arrays and not plan.put_lookup(node.arrays, layer):
        _plan_own(plan, node, layer, label)
    for child in node.inner:
        if child.slot in LAYERS and is_model(layer):
            _plan_layers(plan, child, _targets(child, layer.layers), _slots(layer.layers), label)
        else:
            _plan_attribute(plan, child, layer, label)


def _targets(node: FileLayer, layers: Sequence[Any]) -> list[Any]:
    """The layers with weights; lookup layers too if the file holds weights of words."""
    has_words = any(array.name == LOOKUP_ARRAY for array in node.all_arrays())
    return [
        each for each in layers if has_weights(each) or (has_words and hasattr(each, "load_assets"))
    ]


def _plan_own(plan: Plan, node: FileLayer, layer: Any, label: str) -> None:
    leaf = own_leaf(layer, label or str(layer.name))
    if not leaf.variables:
        inner = leaves(layer, label)  # CuDNNLSTM owned what in LSTM the cell owns
        leaf = inner[0] if len(inner) == 1 else leaf
    plan.put(node.arrays, leaf, node.name or node.label)


def _plan_attribute(plan: Plan, child: FileLayer, layer: Any, label: str) -> None:
    item = _attribute(layer, child.slot)
    if is_layer(item):
        where = f"{label}/{item.name}".lstrip("/")
        if _plan_or_leave(plan, child, item, where) and not label:
            plan.by.add("path")
            plan.matched.append((child.name or child.label, where))
    elif isinstance(item, dict):
        _plan_items(plan, child, list(item.values()), label)
    elif isinstance(item, Sequence) and not isinstance(item, str):
        _plan_items(plan, child, list(item), label)
    elif hasattr(item, "update_state") or type(item).__name__ == "SeedGenerator":
        plan.ignored.append(child.label)
    else:
        plan.left_in_file.append(child.label)


def _plan_or_leave(plan: Plan, child: FileLayer, layer: Any, where: str) -> bool:
    """In mode "fit" a layer goes in whole or not at all; the layers of a nested model singly."""
    if plan.mode == "fit" and not is_model(layer) and (why := _misfit(plan, child, layer, where)):
        plan.leave(child.label, why, where)
        return False
    plan_tree(plan, child, layer, where)
    return True


def _plan_items(plan: Plan, node: FileLayer, items: list[Any], label: str) -> None:
    """A list of layers that some layer keeps, such as the cells of stacked recurrent layers."""
    layers = [item for item in items if is_layer(item)]
    lists = [item for item in items if isinstance(item, list | tuple | dict)]
    deeper = [child for child in node.inner if child.slot.startswith("container")]
    for child, item in zip(sorted(deeper, key=lambda each: len(each.slot)), lists, strict=False):
        values = list(item.values()) if isinstance(item, dict) else list(item)
        _plan_items(plan, child, values, label)
    rest = tuple(child for child in node.inner if child not in deeper)
    flat = FileLayer(node.label, slot=node.slot, arrays=node.arrays, inner=rest)
    _plan_layers(plan, flat, layers, _slots(layers), label)


def _plan_layers(
    plan: Plan, node: FileLayer, targets: list[Any], slots: dict[int, str], label: str
) -> None:
    children = node.inner
    if children and all(child.slot.isdecimal() for child in children):
        slots = {id(target): str(index) for index, target in enumerate(targets)}
    targets = _not_shared(plan, targets, len(children))
    names = [slots[id(target)] for target in targets]
    found = _matched(plan, children, targets, names)
    plan.by |= found.by
    plan.ambiguous += describe(
        found, [child.name or child.label for child in children], [str(t.name) for t in targets]
    )
    paired = {file for file, _ in found.pairs}
    plan.left_in_file += [c.label for index, c in enumerate(children) if index not in paired]
    plan.left_in_file += [array.label for array in node.arrays]
    for index, target in sorted(found.pairs, key=lambda pair: pair[1]):
        child, layer = children[index], targets[target]
        where = f"{label}/{layer.name}".lstrip("/")
        if not _plan_or_leave(plan, child, layer, where):
            continue
        if not label:
            plan.matched.append((child.name or child.label, where))


def _not_shared(plan: Plan, targets: list[Any], count: int) -> list[Any]:
    """Without the layers that another model shares and that the file has there, if so it adds up.

    Keras 3 numbers such layers along, Keras 2 doesn't: the rank among the others is the same.
    """
    fresh = [
        target
        for target in targets
        if not {id(variable) for variable in legacy_variables(target)} <= plan.done
    ]
    return fresh if len(fresh) == count else targets


def _matched(
    plan: Plan, children: Sequence[FileLayer], targets: list[Any], slots: list[str]
) -> Match:
    """By the names of the layers where the file keeps them, else by the slots."""
    by_layer = [_named(plain_name(target.name), target) for target in targets]
    by_slot = [_named(slot, target) for slot, target in zip(slots, targets, strict=True)]
    names = [Candidate(plain_name(child.name), ()) for child in children]
    paths = [Candidate(child.slot, ()) for child in children]

    def fits(file: int, target: int) -> bool:
        where = str(targets[target].name)
        return not _misfit(plan, children[file], targets[target], where)

    by_path = _by_slot(children, slots) or match(paths, by_slot, fits, "fit", is_ordered=False)
    if plan.mode == "order":
        return by_path
    by_name = match(names, by_layer, fits, "fit", is_ordered=False)
    is_named = all(child.name for child in children)
    if is_named and (plan.mode == "fit" or _is_by_name(by_name, children)):
        return by_name
    if len(by_path.pairs) != len(children):
        slots_are_names = match(paths, by_layer, fits, "fit", is_ordered=False)
        if _is_by_name(slots_are_names, children):
            return slots_are_names
    _note_contradictions(by_path, children, targets)
    return by_path


def _by_slot(children: Sequence[FileLayer], slots: list[str]) -> Match | None:
    """Each at its own slot; a layer that two models share is kept at the first one only."""
    places = {slot: index for index, slot in enumerate(slots)}
    if not all(child.slot in places for child in children):
        return None
    found = Match()
    found.add(((i, places[child.slot]) for i, child in enumerate(children)), "path")
    return found


def _is_by_name(found: Match, children: Sequence[FileLayer]) -> bool:
    return found.by == {"name"} and len(found.pairs) == len(children)


def _note_contradictions(found: Match, children: Sequence[FileLayer], targets: list[Any]) -> None:
    """Where the path leads to one layer, and the name to another one of the same class."""
    by_name = {str(target.name): target for target in targets}
    crossed = []
    for file, target in found.pairs:
        named = by_name.get(children[file].name)
        automatic = snake_case(type(targets[target]).__name__)
        is_given = not children[file].name.startswith(automatic)
        if named is not None and named is not targets[target] and is_given:
            crossed.append(file)
    if crossed:
        found.ambiguous.append(tuple(crossed))


def _named(name: str, layer: Any) -> Candidate:
    return Candidate(name, (), snake_case(type(layer).__name__))


def _misfit(plan: Plan, child: FileLayer, layer: Any, where: str) -> str:
    """Why a group of the file can't go into a layer; empty if it can."""
    scratch = plan.scratch()
    try:
        plan_tree(scratch, child, layer, where)
    except WeightsMismatch as error:
        return str(error)
    return "; ".join(scratch.left_in_file + scratch.ambiguous)


def _slots(layers: Iterable[Any]) -> dict[int, str]:
    """What Keras calls the layers of a list: dense, dense_1, by class and place."""
    used: dict[str, int] = {}
    slots = {}
    for layer in layers:
        base = snake_case(type(layer).__name__)
        slots[id(layer)] = f"{base}_{used[base]}" if base in used else base
        used[base] = used.get(base, 0) + 1
    return slots


def _attribute(layer: Any, slot: str) -> Any:
    """What the layer itself holds under a name: no property is asked, no method called."""
    held = vars(layer)
    names = () if slot.startswith("__") else (slot, f"_{slot}", slot.lstrip("_"))
    return next((held[name] for name in names if name in held), None)
