"""What the sizes of layers come to: a row for each, sums within a model, the largest tensor."""

from dataclasses import dataclass, field

from service.loading.sizes.layer_call import Shape, Sized, count
from service.loading.sizes.model_calls import Layer

Shapes = tuple[Shape | None, ...]


@dataclass(frozen=True, slots=True)
class LayerSize:
    """One layer; layers of nested models are named "outer/inner". None is: not known."""

    name: str
    kind: str
    output_shape: Shape | None
    parameters: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A sized model: what one call gives and needs, and its ends by name."""

    sized: Sized
    inputs: tuple[tuple[str, Shape | None], ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest tensor that was met, and the layer that gives or needs it."""

    elements: int = 0
    bytes: int = 0
    layer: str = ""


@dataclass(slots=True)
class Sum:
    """What the calls within one model come to; what is shared counts its parameters once."""

    parameters: dict[int, int] = field(default_factory=dict)
    inner: int = 0
    calls: int = 0

    def add(self, layer: Layer, sized: Sized) -> None:
        self.calls += sized.calls
        self.inner = max(self.inner, sized.inner, *map(count, sized.outputs))
        self.parameters.setdefault(id(layer.item), sized.parameters or 0)

    def of(self, outputs: Shapes) -> Sized:
        return Sized(outputs, sum(self.parameters.values()), self.inner, self.calls)
