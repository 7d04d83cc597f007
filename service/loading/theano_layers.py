"""Convolutions and pooling that pad as Keras 1 and 2 did on Theano, registered with Keras 3.

Where padding is "same", Theano put the odd row before the image and TensorFlow puts it behind, and
with steps TensorFlow pads by the image's size, Theano by the kernel's alone. Keras cut off what
came out too much at the end; padding as much less behind gives the same numbers and needs no cut.
The classes have the names of Keras' own, whose weights they have; they are registered by others.
"""

from collections.abc import Sequence
from typing import Any

import keras

Sides = tuple[tuple[int, int], ...]
register = keras.saving.register_keras_serializable


class _Padded:
    """Mixed into a layer of Keras: pads its inputs itself, then lets Keras compute "valid"."""

    data_format: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = "valid"

    def call(self, inputs: Any) -> Any:
        """The answer for a batch."""
        return super().call(self._padded(inputs, 0.0))  # type: ignore[misc]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        """Each side of the image over its step, rounded up, as Keras has it for "same"."""
        sides = self._sides()
        padded = [
            size if size is None else size + before + after
            for size, (before, after) in zip(input_shape, sides, strict=True)
        ]
        return super().compute_output_shape(tuple(padded))  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """All that is needed to make the layer again."""
        return {**super().get_config(), "padding": "same"}  # type: ignore[misc]

    def _padded(self, inputs: Any, filling: float) -> Any:
        return keras.ops.pad(inputs, self._sides(), constant_values=filling)

    def _sides(self) -> Sides:
        """What is added to each axis before and behind, batch and channels included."""
        places = self._places()
        if self.data_format == "channels_first":
            return ((0, 0), (0, 0), *places)
        return ((0, 0), *places, (0, 0))

    def _places(self) -> Sides:
        raise NotImplementedError


class _Convolution(_Padded):
    """Half of the kernel before the image: Theano's border mode "half"."""

    kernel_size: tuple[int, ...]
    dilation_rate: tuple[int, ...]

    def _places(self) -> Sides:
        reaches = [
            (side - 1) * rate
            for side, rate in zip(self.kernel_size, self.dilation_rate, strict=True)
        ]
        return tuple(((reach + 1) // 2, reach // 2) for reach in reaches)


class _Pooling(_Padded):
    """All of the pool but one number before the image, or but two where its side is odd."""

    pool_size: tuple[int, ...]

    def _places(self) -> Sides:
        odd = [side > 2 and side % 2 == 1 for side in self.pool_size]
        return tuple(
            (side - 1 - is_odd, int(is_odd))
            for side, is_odd in zip(self.pool_size, odd, strict=True)
        )


class _Maximum(_Pooling):
    """Padding is never the largest."""

    def call(self, inputs: Any) -> Any:
        """The answer for a batch."""
        return super(_Padded, self).call(self._padded(inputs, float("-inf")))  # type: ignore[misc]


class _Average(_Pooling):
    """Padding counts only where `count_padding` says so: pooling of Keras 2.0.4 to 2.1.4."""

    def __init__(self, count_padding: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count_padding = bool(count_padding)

    def call(self, inputs: Any) -> Any:
        """The answer for a batch."""
        average = super().call(inputs)
        if self.count_padding:
            return average
        return average / super().call(keras.ops.ones_like(inputs))

    def get_config(self) -> dict[str, Any]:
        """All that is needed to make the layer again."""
        return {**super().get_config(), "count_padding": self.count_padding}


class _Transposed(_Padded):
    """What a convolution padded by half a kernel would come from: cut off before and behind."""

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]

    def call(self, inputs: Any) -> Any:
        """The answer for a batch."""
        outputs = super(_Padded, self).call(inputs)  # type: ignore[misc]
        cut = [slice(-before or None, after or None) for before, after in self._sides()]
        return outputs[tuple(cut)]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        """Each side of the image times its step, as Keras has it for "same"."""
        whole = super(_Padded, self).compute_output_shape(input_shape)  # type: ignore[misc]
        return tuple(
            size if size is None else size + before + after
            for size, (before, after) in zip(whole, self._sides(), strict=True)
        )

    def _places(self) -> Sides:
        """Less than nothing is added; the rule leaves out steps that would need more."""
        return tuple(
            (-(side // 2), side // 2 - max(side - step, 0))
            for side, step in zip(self.kernel_size, self.strides, strict=True)
        )


@register("kerasd", "TheanoConv1D")
class Conv1D(_Convolution, keras.layers.Conv1D):
    """Over time."""


@register("kerasd", "TheanoConv2D")
class Conv2D(_Convolution, keras.layers.Conv2D):
    """Over images."""


@register("kerasd", "TheanoConv3D")
class Conv3D(_Convolution, keras.layers.Conv3D):
    """Over volumes."""


@register("kerasd", "TheanoDepthwiseConv2D")
class DepthwiseConv2D(_Convolution, keras.layers.DepthwiseConv2D):
    """Over images, channel by channel."""


@register("kerasd", "TheanoSeparableConv1D")
class SeparableConv1D(_Convolution, keras.layers.SeparableConv1D):
    """Over time, channel by channel, then over the channels."""


@register("kerasd", "TheanoSeparableConv2D")
class SeparableConv2D(_Convolution, keras.layers.SeparableConv2D):
    """Over images, channel by channel, then over the channels."""


@register("kerasd", "TheanoConv2DTranspose")
class Conv2DTranspose(_Transposed, keras.layers.Conv2DTranspose):
    """Over images."""


@register("kerasd", "TheanoConv3DTranspose")
class Conv3DTranspose(_Transposed, keras.layers.Conv3DTranspose):
    """Over volumes."""


@register("kerasd", "TheanoMaxPooling1D")
class MaxPooling1D(_Maximum, keras.layers.MaxPooling1D):
    """Over time."""


@register("kerasd", "TheanoMaxPooling2D")
class MaxPooling2D(_Maximum, keras.layers.MaxPooling2D):
    """Over images."""


@register("kerasd", "TheanoMaxPooling3D")
class MaxPooling3D(_Maximum, keras.layers.MaxPooling3D):
    """Over volumes."""


@register("kerasd", "TheanoAveragePooling1D")
class AveragePooling1D(_Average, keras.layers.AveragePooling1D):
    """Over time."""


@register("kerasd", "TheanoAveragePooling2D")
class AveragePooling2D(_Average, keras.layers.AveragePooling2D):
    """Over images."""


@register("kerasd", "TheanoAveragePooling3D")
class AveragePooling3D(_Average, keras.layers.AveragePooling3D):
    """Over volumes."""
