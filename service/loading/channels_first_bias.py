"""A bias of channels-first layers, which Keras 3.15 adds along the width where that is as wide.

On TensorFlow its `add` takes any array with one axis longer than 1 for a bias, and adds it to the
last axis whenever the lengths agree: a bias of shape (1, 4, 1, 1) goes along a width of 4, not
the 4 channels, and no error. Importing this module puts the mended `add` in its place.
"""

from typing import Any

from keras.src.backend.tensorflow import numpy as backend

_as_keras_has_it = backend.add


def _add(x1: Any, x2: Any) -> Any:
    shape = list(getattr(x2, "shape", []))
    if len(shape) > 1 and shape[-1] == 1:
        return _as_keras_has_it(x2, x1)  # the other way round it is no bias to Keras
    return _as_keras_has_it(x1, x2)


backend.add = _add
