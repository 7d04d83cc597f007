"""Padding as Keras 1 and 2 did it on Theano, which put the odd row elsewhere than TensorFlow does.

No file says so, and no error tells: where it matters, our own layers pad as Theano did.
"""

import copy
from collections.abc import Mapping

from service.base.strict_json import Json
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.tree import objects_within

THEANO = "theano"
OURS = "kerasd>Theano"
CONVOLUTIONS: Mapping[str, int] = {
    "Conv1D": 1,
    "Conv2D": 2,
    "Conv3D": 3,
    "DepthwiseConv2D": 2,
    "SeparableConv1D": 1,
    "SeparableConv2D": 2,
}
TRANSPOSED: Mapping[str, int] = {"Conv2DTranspose": 2, "Conv3DTranspose": 3}
POOLING: Mapping[str, int] = {
    f"{kind}Pooling{rank}D": rank for kind in ("Max", "Average") for rank in (1, 2, 3)
}
# Averages over time and images counted the padding in these versions, in no others.
COUNTED = ((2, 0, 4), (2, 1, 5))
# Pooling of volumes left on what it should have cut off.
UNCUT = ((2, 0, 0), (2, 1, 6))


def backend_for(recorded: str, kernels: str) -> str:
    """The backend that a model was made for, by its file; an operator's word on kernels counts."""
    return {"keep": "", "flip": THEANO}.get(kernels, recorded)


def theano_padding(layer: Json, mending: Mending) -> bool:
    """Padding as Theano did it, where TensorFlow does otherwise. Raises ValueError where we can't.

    Odd kernels that go step by step are padded alike by both.
    """
    if mending.backend != THEANO:
        return False
    kind, config = layer["class_name"], layer["config"]
    if kind.startswith("ConvLSTM2D"):
        _refuse_recurrent(kind, config)
    if config.get("padding") != "same" or not _differs(kind, config, mending):
        return False
    reason = _obstacle(kind, config, mending)
    if reason:
        raise ValueError(_refusal(kind, config, reason))
    if kind.startswith("AveragePooling") and _counts_padding(kind, mending):
        config["count_padding"] = True
    layer |= {"module": None, "registered_name": f"{OURS}{kind}"}
    return True


def why_not_tensorflow(model: Json, mending: Mending) -> str:
    """What in a model of Keras 2 and Theano is padded otherwise; empty where nothing is."""
    for item in objects_within(model):
        config = item.get("config")
        if isinstance(item["class_name"], str) and isinstance(config, dict):
            try:
                found = theano_padding({**item, "config": copy.deepcopy(config)}, mending)
            except ValueError as error:
                return str(error)
            if found:
                return _refusal(item["class_name"], config, "only Keras 3 is helped to do so")
    return ""


def _differs(kind: str, config: Json, mending: Mending) -> bool:
    if kind in CONVOLUTIONS:
        return _differs_convolved(kind, config, mending)
    if kind in TRANSPOSED:
        sides, steps = _window(config, "kernel_size", TRANSPOSED[kind])
        pairs = zip(sides, steps, strict=True)
        return any(side % 2 == 0 or (step > 1 and side > 1) for side, step in pairs)
    if kind in POOLING:
        sides, steps = _window(config, "pool_size", POOLING[kind])
        if _counts_padding(kind, mending) and set(sides) != {1}:
            return True
        smallest = 1 if _cuts(kind, mending) else 2
        pairs = zip(sides, steps, strict=True)
        return any(side >= smallest and (side, step) != (3, 1) for side, step in pairs)
    return False


def _differs_convolved(kind: str, config: Json, mending: Mending) -> bool:
    rank = CONVOLUTIONS[kind]
    sides, steps = _window(config, "kernel_size", rank)
    rates = _numbers(config.get("dilation_rate", 1), rank)
    reaches = [(side - 1) * rate for side, rate in zip(sides, rates, strict=True)]
    has_steps = any(step > 1 and reach for step, reach in zip(steps, reaches, strict=True))
    is_even = any(reach % 2 for reach in reaches)
    if kind == "Conv3D" and is_even and not has_steps and _is_before(mending, 2):
        return _differs_in_keras_1(config, mending)
    return has_steps or is_even


def _differs_in_keras_1(config: Json, mending: Mending) -> bool:
    """Volumes came to Theano's own convolution with Keras 1.1.2 and Theano 0.9."""
    if _is_before(mending, 1, 1, 1):
        return False
    mending.note(
        f"layer '{config.get('name', 'Conv3D')}' is padded as Keras 1 did with Theano 0.9, which "
        "the file doesn't tell from older ones"
    )
    return True


def _obstacle(kind: str, config: Json, mending: Mending) -> str:
    """Why a layer can't be computed as it was, empty where it can."""
    if kind.startswith("SeparableConv"):
        sides, _ = _window(config, "kernel_size", CONVOLUTIONS[kind])
        return "an even kernel made its output longer" if _has_even(sides) else ""
    if kind in TRANSPOSED:
        return _transposed_obstacle(kind, config, mending)
    if kind not in POOLING:
        return ""
    sides, _ = _window(config, "pool_size", POOLING[kind])
    if 1 in sides and _cuts(kind, mending):
        return "a side of 1 cut off the borders"
    if POOLING[kind] == 3 and _is_within(mending, UNCUT) and set(sides) != {3}:
        return "its output was longer than Keras said"
    return ""


def _transposed_obstacle(kind: str, config: Json, mending: Mending) -> str:
    sides, steps = _window(config, "kernel_size", TRANSPOSED[kind])
    if _has_even(sides):
        return "an even kernel failed"
    if _is_before(mending, 2):
        return "Keras 1 left the size of its output to whoever built it"
    if config.get("output_padding") is not None:
        return "its output_padding is counted otherwise"
    if any(side > 1 and side - side // 2 < step for side, step in zip(sides, steps, strict=True)):
        return "its steps are longer than half of its kernel"
    return ""


def _refuse_recurrent(kind: str, config: Json) -> None:
    """The state of a ConvLSTM is always padded, whatever its inputs are."""
    sides, steps = _window(config, "kernel_size", 2)
    pairs = zip(sides, steps, strict=True)
    has_steps = config.get("padding") == "same" and any(k > 1 and step > 1 for k, step in pairs)
    if _has_even(sides) or has_steps:
        raise ValueError(_refusal(kind, config, "its kernel is even or has steps"))


def _refusal(kind: str, config: Json, reason: str) -> str:
    return (
        f"layer '{config.get('name', kind)}' ({kind}) was padded as Theano did, which can't be "
        f"done here: {reason}"
    )


def _cuts(kind: str, mending: Mending) -> bool:
    """True where padding by one less than the side of a pool was less than none for a side of 1."""
    return POOLING[kind] == 3 or _is_before(mending, 1, 2)


def _counts_padding(kind: str, mending: Mending) -> bool:
    is_flat = kind in ("AveragePooling1D", "AveragePooling2D")
    return is_flat and _is_within(mending, COUNTED)


def _is_within(mending: Mending, versions: tuple[tuple[int, int, int], ...]) -> bool:
    number = mending.era.number
    return number is not None and versions[0] <= number < versions[1]


def _is_before(mending: Mending, *number: int) -> bool:
    """True for an older Keras that says so; silent files are of Keras 1, and maybe its last."""
    if mending.era.number is None:
        return number == (2,)
    return mending.era.is_before(*number)


def _window(config: Json, key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sides of a kernel or a pool, and the steps that it takes."""
    sides = _numbers(config.get(key, 2) if key == "pool_size" else config[key], rank)
    steps = config.get("strides")
    if steps is None:
        return sides, sides if key == "pool_size" else (1,) * rank
    return sides, _numbers(steps, rank)


def _numbers(value: object, rank: int) -> tuple[int, ...]:
    numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(type(number) is int for number in numbers) or len(numbers) not in (1, rank):
        raise TypeError(f"{value!r} where {rank} whole numbers are expected")
    return numbers * (rank if len(numbers) == 1 else 1)


def _has_even(sides: tuple[int, ...]) -> bool:
    return any(side % 2 == 0 for side in sides)
