"""How large a model may be, and which of its figures go beyond that."""

from dataclasses import dataclass

from service.loading.sizes.layer_call import quote
from service.loading.sizes.shapes import LayerSize, ModelSizes

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits for one model; the activation is the largest tensor for one instance."""

    parameter_bytes: int = 2 * GIB  # building takes about twice the memory
    activation_bytes: int = 1 * GIB
    calls: int = 20_000
    layers: int = 4_000


def exceed(sizes: ModelSizes, budget: Budget) -> list[str]:
    """A sentence for every limit that the model goes beyond; none when it is within."""
    found = []
    if sizes.parameter_bytes > budget.parameter_bytes:
        found.append(
            f"its weights take {_bytes(sizes.parameter_bytes)}, most of them in "
            f"{_most_parameters(sizes)}; at most {_bytes(budget.parameter_bytes)} are allowed"
        )
    if sizes.activation_bytes > budget.activation_bytes:
        found.append(
            f"layer {quote(sizes.largest_layer)} needs a tensor of "
            f"{_bytes(sizes.activation_bytes)} for one instance; "
            f"at most {_bytes(budget.activation_bytes)} are allowed"
        )
    if sizes.calls > budget.calls:
        found.append(
            f"one run makes {_number(sizes.calls)} layer calls; at most {budget.calls} are allowed"
        )
    if len(sizes.layers) > budget.layers:
        found.append(f"it has {len(sizes.layers)} layers; at most {budget.layers} are allowed")
    return found


def _most_parameters(sizes: ModelSizes) -> str:
    """The layer with most of the parameters; a model within counts through its layers."""
    largest = max(sizes.layers, key=_own_parameters)
    return f"layer {quote(largest.name)} ({largest.kind})"


def _own_parameters(layer: LayerSize) -> int:
    return 0 if layer.kind in ("Sequential", "Functional", "Model") else layer.parameters or 0


def _bytes(size: int) -> str:
    return f"{_number(-(-size // 1024**2))} MiB"


def _number(value: int) -> str:
    """A number that stays readable, however large it is."""
    return f"{value:,}" if value < 10**18 else f"more than 2**{value.bit_length() - 1}"
