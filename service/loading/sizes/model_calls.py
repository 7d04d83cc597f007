"""Which layer feeds which: the calls that a functional configuration records, in every era's form.

Keras 1 and 2 write `["name", call, output, {keywords}]`, Keras 3 writes tensors with a history.
Everything is walked without recursion, so depth in the file can't hurt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS
from service.loading.allow_list.own_names import is_ours
from service.loading.sizes.layer_call import LayerFault, Shape, read_shape, show

MAX_NAME = 128
MAX_LAYERS = 20_000  # of one model
MAX_REFERENCES = 100_000  # in one model
MAX_STEPS = 100_000  # through what one call is given
WIDE = ("float64", "int64", "uint64", "complex64", "complex128")
HOMES = frozenset({"keras", "tf_keras", "tensorflow", "builtins"})


@dataclass(frozen=True, slots=True)
class Reference:
    """One output of one call of a layer; `claim` is its shape by the file's own word."""

    layer: str
    call: int
    output: int
    claim: Shape | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What one call of a layer is given."""

    inputs: tuple[Reference, ...] = ()
    named: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def references(self) -> Iterator[Reference]:
        yield from self.inputs
        for found in self.named.values():
            yield from found


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a model: its whole record in the file, and its calls there."""

    name: str
    kind: str
    item: Json
    calls: tuple[Inbound, ...] = ()

    @property
    def is_of_keras(self) -> bool:
        """Whether the class is Keras's own, and not a stranger's under the same name."""
        module, registered = self.item.get("module"), self.item.get("registered_name")
        if isinstance(registered, str) and ">" in registered:
            return is_ours(self.kind, registered)
        return not isinstance(module, str) or module.split(".")[0] in HOMES

    @property
    def is_wide(self) -> bool:
        """Whether its numbers take eight bytes and not four."""
        dtype = _config(self.item).get("dtype")
        if isinstance(dtype, dict):
            dtype = _config(dtype).get("name")
        return isinstance(dtype, str) and dtype in WIDE


@dataclass(frozen=True, slots=True)
class Graph:
    """A functional model's layers by name, and where it begins and ends."""

    layers: Mapping[str, Layer]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]
    faults: tuple[str, ...] = ()


def read_layers(config: Any) -> tuple[list[Layer], list[str]]:
    """The layers of a model's configuration in the file's order, and what is wrong with them."""
    found = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(found, list):
        return [], ["its configuration has no list of layers"]
    if len(found) > MAX_LAYERS:
        return [], [f"it has {len(found)} layers, of which {MAX_LAYERS} are looked at in one model"]
    layers: list[Layer] = []
    faults: list[str] = []
    names: set[str] = set()
    for number, item in enumerate(found):
        layer = read_layer(item)
        if layer is None:
            faults.append(f"item {number} of its layers is no layer")
            continue
        if layer.name in names and layer.name:
            faults.append(f"two layers have the name {show(layer.name)}")
        names.add(layer.name)
        layers.append(layer)
    return layers, faults


def read_layer(item: Any) -> Layer | None:
    """The layer that a configuration describes; none if it describes none."""
    if not isinstance(item, dict) or not isinstance(item.get("class_name"), str):
        return None
    config = item.get("config")
    if not isinstance(config, dict) and item["class_name"] not in MODELS:
        return None
    name = item.get("name")
    if not isinstance(name, str) and isinstance(config, dict):
        name = config.get("name")
    return Layer(name if isinstance(name, str) else "", item["class_name"], item)


def read_graph(config: Any) -> Graph:
    """The graph of a functional configuration; a name that is there twice keeps its first layer."""
    listed, faults = read_layers(config)
    layers: dict[str, Layer] = {}
    is_modern, seen = False, 0
    for layer in listed:
        nodes = layer.item.get("inbound_nodes")
        nodes = nodes if isinstance(nodes, list) else []
        is_modern |= any(isinstance(node, dict) and "args" in node for node in nodes)
        calls = []
        for node in nodes:
            calls.append(_read_call(node))
            seen += 1 + sum(1 for _ in calls[-1].references())
            if seen > MAX_REFERENCES:
                raise LayerFault(f"its layers are called and fed more than {MAX_REFERENCES} times")
        if layer.kind == "InputLayer" and not calls:
            calls = [Inbound()]
        layers.setdefault(layer.name, replace(layer, calls=tuple(calls)))
    ends = config if isinstance(config, dict) else {}
    inputs = tuple(_references(ends.get("input_layers")))
    outputs = tuple(_references(ends.get("output_layers")))
    graph = Graph(layers, inputs, outputs, tuple(faults))
    if not outputs:
        graph = replace(graph, faults=(*graph.faults, "it names no output layers"))
    return _counted_from_zero(graph, is_modern)


def _counted_from_zero(graph: Graph, is_modern: bool) -> Graph:
    """Undo that the making of a nested model counts as its first call.

    Keras 1 and 2 count so everywhere, Keras 3 among a model's outputs only.
    """
    inside = [r for layer in graph.layers.values() for c in layer.calls for r in c.references()]
    counted = [*graph.outputs, *([] if is_modern else inside)]
    shifted = {
        reference.layer
        for reference in counted
        if (layer := graph.layers.get(reference.layer)) is not None
        and layer.kind in MODELS
        and reference.call >= len(layer.calls) > 0
    }
    if not shifted:
        return graph

    def back(references: tuple[Reference, ...]) -> tuple[Reference, ...]:
        return tuple(
            replace(r, call=max(0, r.call - 1)) if r.layer in shifted else r for r in references
        )

    if is_modern:
        return replace(graph, outputs=back(graph.outputs))
    layers = {
        name: replace(
            layer,
            calls=tuple(
                replace(
                    call,
                    inputs=back(call.inputs),
                    named={key: back(found) for key, found in call.named.items()},
                )
                for call in layer.calls
            ),
        )
        for name, layer in graph.layers.items()
    }
    return replace(graph, layers=layers, outputs=back(graph.outputs))


def _read_call(node: Any) -> Inbound:
    """One entry of `inbound_nodes`."""
    if isinstance(node, dict) and "args" in node:
        inputs = tuple(_references(node["args"]))
        keywords = node.get("kwargs")
        return _with_keywords(inputs, keywords if isinstance(keywords, dict) else {})
    found = tuple(_references(node))
    keywords = {}
    for entry in _entries(node):
        if len(entry) > 3 and isinstance(entry[3], dict):
            keywords = entry[3]
            break
    return _with_keywords(found, keywords)


def _with_keywords(inputs: tuple[Reference, ...], keywords: Json) -> Inbound:
    named = {key: tuple(_references(value)) for key, value in keywords.items()}
    return Inbound(
        inputs,
        {key: found for key, found in named.items() if found},
        {key: value for key, value in keywords.items() if not named[key]},
    )


def _references(value: Any) -> Iterator[Reference]:
    """All references in a structure, in its order; objects in the order of their keys."""
    for item in _walk(value):
        if isinstance(item, list):
            yield Reference(item[0], item[1], item[2])
        elif (tensor := _tensor(item)) is not None:
            yield tensor


def _entries(value: Any) -> Iterator[list[Any]]:
    return (item for item in _walk(value) if isinstance(item, list))


def _walk(value: Any) -> Iterator[list[Any] | Json]:
    """The references of both forms in a structure."""
    pending = [value]
    for _ in range(MAX_STEPS):
        if not pending:
            return
        item = pending.pop()
        if _is_entry(item) or (isinstance(item, dict) and "keras_history" in _config(item)):
            yield item
        elif isinstance(item, list):
            pending.extend(reversed(item))
        elif isinstance(item, dict):
            pending.extend(item[key] for key in sorted(item, key=str, reverse=True))
    raise LayerFault(f"one of its calls is given more than {MAX_STEPS} values")


def _config(item: Json) -> Json:
    config = item.get("config")
    return config if isinstance(config, dict) else {}


def _is_entry(item: Any) -> bool:
    """`["name", call, output]`, keywords may follow; a constant has -1 for the call."""
    return (
        isinstance(item, list)
        and 3 <= len(item) <= 4
        and isinstance(item[0], str)
        and all(type(number) is int and number >= 0 for number in item[1:3])
    )


def _tensor(item: Json) -> Reference | None:
    config = _config(item)
    history = config["keras_history"]
    if not _is_entry(history):
        return None
    try:
        claim = read_shape(config.get("shape"))
    except LayerFault:
        claim = None
    return Reference(history[0], history[1], history[2], claim)
