"""One walk over a model's configuration that sizes every layer call, nested models included."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS
from service.loading.sizes.call_order import Node, sort_calls
from service.loading.sizes.layer_call import (
    Call,
    LayerFault,
    Shape,
    Sized,
    UnknownShape,
    count,
    meet,
    quote,
    read_shape,
)
from service.loading.sizes.layers import RULES, declared
from service.loading.sizes.model_calls import (
    MAX_NAME,
    Graph,
    Inbound,
    Layer,
    Reference,
    read_graph,
    read_layer,
    read_layers,
)
from service.loading.sizes.operations import OPERATIONS, is_operation
from service.loading.sizes.totals import Largest, LayerSize, Measured, Shapes, Sum

MAX_NESTING = 40
MAX_WORK = 40_000
MAX_FAULTS = 50
# What reading a stranger's configuration may raise where a rule expected another kind of value.
MISREAD = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the nesting a layer stands."""

    path: str = ""
    depth: int = 0

    def within(self, layer: Layer) -> "_Place":
        if self.depth >= MAX_NESTING:
            raise LayerFault(f"models and wrappers are nested deeper than {MAX_NESTING}")
        return _Place(f"{self.name(layer)}/" if layer.name else self.path, self.depth + 1)

    def name(self, layer: Layer) -> str:
        return self.path + (layer.name or layer.kind)[:MAX_NAME]


class TooMuchWork(Exception):
    """The model makes more different calls than are worth looking at."""


class Measurement:
    """Collects the sizes of one model; `complete` turns false where something isn't known."""

    def __init__(self) -> None:
        self.rows: dict[int, LayerSize] = {}
        self.faults: dict[str, None] = {}
        self.largest = Largest()
        self.work = 0
        self.complete = True
        self.is_wide = False
        self._models: dict[tuple[int, Shapes | None], Measured] = {}
        self._graphs: dict[int, tuple[Graph, list[Node]]] = {}

    def blame(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults[fault] = None

    def measure_model(
        self, layer: Layer, inputs: Shapes | None, place: _Place | None = None
    ) -> Measured:
        """Size one call of a model; with no inputs, on the inputs that it declares."""
        key = (id(layer.item), inputs)
        if key not in self._models:
            inside = _Place() if place is None else place.within(layer)
            measure = self._chain if layer.kind == "Sequential" else self._graph
            self._models[key] = measure(layer, inputs, inside)
        return self._models[key]

    def _chain(self, model: Layer, inputs: Shapes | None, place: _Place) -> Measured:
        """A Sequential model: each layer is fed by the one before."""
        config = model.item.get("config")
        layers, faults = read_layers(config)
        self._charge(len(layers))
        self._blame_model(place, faults)
        if not layers:
            raise LayerFault("it has no layers")
        shape = inputs[0] if inputs else None
        start = self._start(layers[0], config, place)
        shape = start = meet(start, shape)
        total = Sum()
        for layer in layers:
            sized = self._size(layer, Inbound(), (shape,), {}, place)
            total.add(layer, sized)
            shape = sized.outputs[0] if sized.outputs else None
        first = layers[0]
        name = first.name if first.kind == "InputLayer" else f"{first.name}_input"
        return Measured(total.of((shape,)), ((name, start),), (layers[-1].name,))

    def _start(self, first: Layer, config: Any, place: _Place) -> Shape | None:
        """The input's shape as a Sequential model's configuration gives it."""
        try:
            if first.kind in MODELS:
                return next(
                    (shape for _, shape in self.measure_model(first, None, place).inputs), None
                )
            return declared(self._call(first, Inbound(), (), {}, place))
        except UnknownShape:
            built = config.get("build_input_shape") if isinstance(config, dict) else None
            return None if built is None else read_shape(built)
        except LayerFault as fault:
            self._blame_layer(first, place, str(fault))
        except MISREAD:
            self._blame_layer(first, place, "its input's shape is not understood")
        return None

    def _graph(self, model: Layer, inputs: Shapes | None, place: _Place) -> Measured:
        """A functional model: each call is fed by the calls that it names."""
        graph, order = self._read(model, place)
        ends = [reference.layer for reference in graph.inputs]
        if inputs is not None and len(inputs) != len(ends):
            raise LayerFault(f"{len(inputs)} inputs, expected {len(ends)}")
        given = dict(zip(ends, inputs or (), strict=False))
        made: dict[Node, Shapes] = {}
        total = Sum()
        for name, number in order:
            layer, call = graph.layers[name], graph.layers[name].calls[number]
            shapes = tuple(_found(made, reference) for reference in call.inputs)
            if name in given and not shapes:
                shapes = (meet(self._start(layer, None, place), given[name]),)
            named = {
                key: tuple(_found(made, reference) for reference in references)
                for key, references in call.named.items()
            }
            sized = self._size(layer, call, shapes, named, place)
            if number:
                self._compare(layer, total, sized, place)
            total.add(layer, sized)
            made[name, number] = sized.outputs
        outputs = tuple(_found(made, reference) for reference in graph.outputs)
        starts = tuple((name, next(iter(made.get((name, 0), ())), None)) for name in ends)
        return Measured(total.of(outputs), starts, tuple(end.layer for end in graph.outputs))

    def _compare(self, layer: Layer, total: Sum, sized: Sized, place: _Place) -> None:
        """A layer that is called again has the weights that its first call made."""
        first = total.parameters.get(id(layer.item))
        if sized.parameters is not None and first and sized.parameters != first:
            self._blame_layer(layer, place, "is called with inputs that need other weights")

    def _read(self, model: Layer, place: _Place) -> tuple[Graph, list[Node]]:
        if id(model.item) not in self._graphs:
            graph = read_graph(model.item.get("config"))
            order, faults = sort_calls(graph)
            self._charge(len(graph.layers))
            self._blame_model(place, [*graph.faults, *faults])
            for layer in graph.layers.values():
                if not layer.calls:
                    self.complete = False
                    self.rows[id(layer.item)] = LayerSize(place.name(layer), layer.kind, None, None)
            self._graphs[id(model.item)] = (graph, order)
        return self._graphs[id(model.item)]

    def _size(
        self,
        layer: Layer,
        call: Inbound,
        shapes: Shapes,
        named: Mapping[str, Shapes],
        place: _Place,
    ) -> Sized:
        """Size one call of a layer and note it; a fault is noted and leaves the size unknown."""
        sized = Sized((None,), None)
        name = place.name(layer)
        self.rows.setdefault(id(layer.item), LayerSize(name, layer.kind[:MAX_NAME], None, None))
        try:
            sized = self._by_rule(self._call(layer, call, shapes, named, place), layer, place)
        except UnknownShape:
            pass
        except LayerFault as fault:
            self._blame_layer(layer, place, str(fault))
        except MISREAD:
            self._blame_layer(layer, place, "its configuration is not understood")
        self._note(layer, name, sized)
        return sized

    def _note(self, layer: Layer, name: str, sized: Sized) -> None:
        output = sized.outputs[0] if sized.outputs else None
        if None in sized.outputs or sized.parameters is None:
            self.complete = False
        if self.rows[id(layer.item)].output_shape is None:
            self.rows[id(layer.item)] = LayerSize(
                name, layer.kind[:MAX_NAME], output, sized.parameters
            )
        width = 8 if layer.is_wide else 4
        self.is_wide |= width == 8 and bool(sized.parameters)
        elements = max(sized.inner, *map(count, sized.outputs), 0)
        if layer.kind not in MODELS and elements * width > self.largest.bytes:
            self.largest = Largest(elements, elements * width, name)

    def _by_rule(self, call: Call, layer: Layer, place: _Place) -> Sized:
        self._charge(1 + len(call.inputs))
        if not layer.is_of_keras:
            raise UnknownShape(layer.kind)
        if layer.kind in MODELS:
            inputs = call.inputs if call.inputs != (None,) else None
            return self.measure_model(layer, inputs, place).sized
        rules = OPERATIONS if is_operation(layer.item) else RULES
        rule = rules.get(layer.kind)
        if rule is None:
            raise UnknownShape(layer.kind)
        return rule(call)

    def _charge(self, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise TooMuchWork

    def _call(
        self,
        layer: Layer,
        call: Inbound,
        shapes: Shapes,
        named: Mapping[str, Shapes],
        place: _Place,
    ) -> Call:
        config = layer.item.get("config")
        fields: Json = config if isinstance(config, dict) else {}

        def size(item: Any, shape: Shape) -> Sized:
            inner = read_layer(item)
            if inner is None:
                raise LayerFault("wraps no layer")
            within = place.within(layer)
            wrapped = self._call(inner, Inbound(), (shape,), {}, within)
            return self._by_rule(wrapped, inner, within)

        return Call(layer.kind, fields, shapes, named, call.options, size)

    def _blame_layer(self, layer: Layer, place: _Place, fault: str) -> None:
        self.blame(f"layer {quote(place.name(layer))} ({layer.kind[:MAX_NAME]}): {fault}")

    def _blame_model(self, place: _Place, faults: list[str]) -> None:
        for fault in faults:
            where = f"model {quote(place.path.rstrip('/'))}" if place.path else "the model"
            self.blame(f"{where}: {fault}")


def _found(made: dict[Node, Shapes], reference: Reference) -> Shape | None:
    """The shape behind a reference; the file's own word counts only where nothing else is known."""
    outputs = made.get((reference.layer, reference.call), ())
    shape = outputs[reference.output] if reference.output < len(outputs) else None
    return reference.claim if shape is None else shape
