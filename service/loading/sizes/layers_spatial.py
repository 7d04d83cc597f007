"""Shapes and parameters of layers over one to three spatial axes, such as convolutions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.loading.sizes.layer_call import (
    Call,
    LayerFault,
    Shape,
    Sized,
    checked,
    count,
    items,
    known,
    show,
)

Axes = tuple[int | None, ...]
Rule = Callable[[Call], Sized]
OLD_KERNELS = (
    ("filter_length",),
    ("nb_row", "nb_col"),
    ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
)
PADDINGS = ("valid", "same", "causal", "full", "half")


@dataclass(frozen=True, slots=True)
class _Image:
    """An input told apart into batch, spatial axes and channels."""

    shape: Shape
    channels_first: bool

    @property
    def spatial(self) -> Axes:
        return self.shape[2:] if self.channels_first else self.shape[1:-1]

    @property
    def channels(self) -> int:
        return known(self.shape, 1 if self.channels_first else -1)

    def gives(self, spatial: Axes, channels: int | None) -> Shape:
        if self.channels_first:
            return checked((self.shape[0], channels, *spatial))
        return checked((self.shape[0], *spatial, channels))

    def resized(self, spatial: Axes) -> Sized:
        """The same channels over other spatial axes; no weights."""
        channels = self.shape[1] if self.channels_first else self.shape[-1]
        return Sized((self.gives(spatial, channels),))


def _image(call: Call, rank: int) -> _Image:
    return _Image(call.ranked(rank + 2), call.is_channels_first())


def slide(size: int | None, window: int, stride: int, dilation: int, padding: str) -> int | None:
    """How many places a window has along one axis."""
    if size is None:
        return None
    reach = dilation * (window - 1) + 1
    if padding == "full":
        size += 2 * (reach - 1)
    if padding in ("valid", "full"):
        if size < reach:
            raise LayerFault(f"a window of {reach} over an axis of {size}")
        size -= reach - 1
    return -(-size // stride)


@dataclass(frozen=True, slots=True)
class _Window:
    """What a convolution moves over its input."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    def over(self, spatial: Axes) -> Axes:
        steps = zip(spatial, self.kernel, self.strides, self.dilation, strict=True)
        return tuple(slide(*step, self.padding) for step in steps)

    def padded(self, spatial: Axes) -> int:
        """Elements of one channel after the padding that is made as a tensor of its own."""
        if self.padding != "causal" and (self.padding != "same" or max(self.dilation) == 1):
            return 0
        sides = zip(spatial, self.kernel, self.dilation, strict=True)
        return math.prod((size or 1) + dilation * (k - 1) for size, k, dilation in sides)


def _window(call: Call, rank: int) -> _Window:
    padding = call.word(("padding", "border_mode"), PADDINGS, "valid")
    return _Window(
        _kernel(call, rank),
        call.wholes(rank, "strides", "subsample", "subsample_length", default=1),
        call.wholes(rank, "dilation_rate", "atrous_rate", default=1),
        padding,
    )


def _kernel(call: Call, rank: int) -> tuple[int, ...]:
    names = OLD_KERNELS[rank - 1]
    if "kernel_size" not in call.config and names[0] in call.config:
        return tuple(call.whole(name) for name in names)
    return call.wholes(rank, "kernel_size")


def lora(call: Call, kernel: tuple[int, ...]) -> int:
    """Parameters of a low-rank addition to a kernel, where the layer has one."""
    if call.config.get("lora_rank") is None:
        return 0
    return call.whole("lora_rank") * (math.prod(kernel[:-1]) + kernel[-1])


def _convolution(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        filters, window = call.whole("filters", "nb_filter"), _window(call, rank)
        groups = call.whole("groups", default=1)
        image = _image(call, rank)
        if image.channels % groups or filters % groups:
            raise LayerFault(
                f"groups = {groups}, expected a divisor of {image.channels} channels "
                f"and of {filters} filters"
            )
        kernel = (*window.kernel, image.channels // groups, filters)
        bias = filters * call.flag("use_bias", "bias")
        output = image.gives(window.over(image.spatial), filters)
        parameters = math.prod(kernel) + bias + lora(call, kernel)
        return Sized((output,), parameters, window.padded(image.spatial) * image.channels)

    return size


def _transposed(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        filters, window = call.whole("filters", "nb_filter"), _window(call, rank)
        more = None
        if call.config.get("output_padding") is not None:
            more = call.wholes(rank, "output_padding", least=0)
        image = _image(call, rank)
        spatial = tuple(
            _grown(size, window, index, more[index] if more else None)
            for index, size in enumerate(image.spatial)
        )
        kernel = (*window.kernel, filters, image.channels)
        parameters = math.prod(kernel) + filters * call.flag("use_bias", "bias")
        return Sized((image.gives(spatial, filters),), parameters)

    return size


def _grown(size: int | None, window: _Window, index: int, more: int | None) -> int | None:
    """An axis after a transposed convolution."""
    if size is None:
        return None
    stride = window.strides[index]
    reach = (window.kernel[index] - 1) * window.dilation[index] + 1
    if window.padding == "same":
        return size * stride if more is None else (size - 1) * stride + reach % 2 + more
    return (size - 1) * stride + (max(reach, stride) if more is None else reach + more)


def _depthwise(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        window, many = _window(call, rank), call.whole("depth_multiplier", default=1)
        image = _image(call, rank)
        filters = image.channels * many
        output = image.gives(window.over(image.spatial), filters)
        parameters = math.prod(window.kernel) * filters + filters * call.flag("use_bias", "bias")
        return Sized((output,), parameters, window.padded(image.spatial) * image.channels)

    return size


def _separable(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        filters, window = call.whole("filters", "nb_filter"), _window(call, rank)
        many = call.whole("depth_multiplier", default=1)
        image = _image(call, rank)
        deep = image.channels * many
        spatial = window.over(image.spatial)
        between = count(image.gives(spatial, deep))
        parameters = math.prod(window.kernel) * deep + deep * filters
        parameters += filters * call.flag("use_bias", "bias")
        padded = window.padded(image.spatial) * image.channels
        return Sized((image.gives(spatial, filters),), parameters, max(between, padded))

    return size


def _pooling(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        window = call.wholes(rank, "pool_size", "pool_length", default=2)
        strides = window
        if call.value("strides", "stride") is not None:
            strides = call.wholes(rank, "strides", "stride")
        padding = call.word(("padding", "border_mode"), PADDINGS, "valid")
        image = _image(call, rank)
        steps = zip(image.spatial, window, strides, strict=True)
        return image.resized(tuple(slide(axis, w, s, 1, padding) for axis, w, s in steps))

    return size


def _global_pooling(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        kept = call.flag("keepdims", default=False)
        image = _image(call, rank)
        return image.resized((1,) * rank if kept else ())

    return size


def _adaptive_pooling(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        sizes = call.wholes(rank, "output_size")
        return _image(call, rank).resized(sizes)

    return size


def _borders(call: Call, rank: int, name: str) -> list[tuple[int, ...]]:
    """Before and after each axis; one number stands for both, one for all axes too."""
    value = items(call.value(name, default=1))
    if rank == 1:
        return [call.wholes(2, name, default=1, least=0)]
    if not isinstance(value, list) or all(isinstance(side, int) for side in value):
        if isinstance(value, list) and len(value) == 2 * rank:  # Keras 1: all in one list
            flat = call.wholes(2 * rank, name, least=0)
            return [flat[at : at + 2] for at in range(0, 2 * rank, 2)]
        return [(side, side) for side in call.wholes(rank, name, default=1, least=0)]
    if len(value) != rank:
        raise LayerFault(f"{name} = {show(value)}, expected {rank} pairs")
    return [replace(call, config={name: pair}).wholes(2, name, least=0) for pair in value]


def _padding(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        borders = _borders(call, rank, "padding")
        image = _image(call, rank)
        sides = zip(image.spatial, borders, strict=True)
        return image.resized(tuple(s if s is None else s + sum(pair) for s, pair in sides))

    return size


def _cropping(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        borders = _borders(call, rank, "cropping")
        image = _image(call, rank)
        sides = zip(image.spatial, borders, strict=True)
        return image.resized(tuple(s if s is None else s - sum(pair) for s, pair in sides))

    return size


def _up_sampling(rank: int) -> Rule:
    def size(call: Call) -> Sized:
        factors = call.wholes(rank, "size", "length", default=2)
        image = _image(call, rank)
        sides = zip(image.spatial, factors, strict=True)
        return image.resized(tuple(s if s is None else s * factor for s, factor in sides))

    return size


def _resizing(call: Call) -> Sized:
    """Images of another height and width, one at a time or in batches."""
    sizes = (call.whole("height", "target_height"), call.whole("width", "target_width"))
    if len(call.shape) not in (3, 4):
        raise LayerFault(f"input of shape {show(call.shape)}, expected images")
    return _Image(call.shape, call.is_channels_first()).resized(sizes)


_BY_RANK: dict[str, Callable[[int], Rule]] = {
    "Conv{}D": _convolution,
    "Convolution{}D": _convolution,
    "AtrousConvolution{}D": _convolution,
    "Conv{}DTranspose": _transposed,
    "Convolution{}DTranspose": _transposed,
    "DepthwiseConv{}D": _depthwise,
    "SeparableConv{}D": _separable,
    "SeparableConvolution{}D": _separable,
    **dict.fromkeys(("MaxPooling{}D", "MaxPool{}D"), _pooling),
    **dict.fromkeys(("AveragePooling{}D", "AvgPool{}D"), _pooling),
    **dict.fromkeys(("GlobalMaxPooling{}D", "GlobalMaxPool{}D"), _global_pooling),
    **dict.fromkeys(("GlobalAveragePooling{}D", "GlobalAvgPool{}D"), _global_pooling),
    **dict.fromkeys(("AdaptiveAveragePooling{}D", "AdaptiveMaxPooling{}D"), _adaptive_pooling),
    "ZeroPadding{}D": _padding,
    "Cropping{}D": _cropping,
    "UpSampling{}D": _up_sampling,
}
SPATIAL_RULES: dict[str, Rule] = {
    name.format(rank): make(rank) for name, make in _BY_RANK.items() for rank in (1, 2, 3)
} | dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), _resizing)
