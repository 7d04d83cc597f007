"""TimeDistributed over a free time axis, which Keras 3.15 computes for the wrong number of steps.

Its call maps over `arange(shape[0])` of the batch-first shape: over the batch's length instead of
the time axis'. Where the axis has a length nothing is wrong; in a function traced for a free axis
the answer silently has as many steps as the batch has rows. This call folds the steps into the
batch, as Keras 2 did; importing the module puts it in place.
"""

from typing import Any

import keras


def _call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    rows, steps, *rest = keras.ops.shape(inputs)
    told: dict[str, Any] = {}
    if self.layer._call_has_mask_arg and mask is not None:
        told["mask"] = keras.ops.reshape(mask, (-1, *keras.ops.shape(mask)[2:]))
    if self.layer._call_has_training_arg:
        told["training"] = training
    outputs = self.layer.call(keras.ops.reshape(inputs, (-1, *rest)), **told)
    return keras.ops.reshape(outputs, (rows, steps, *keras.ops.shape(outputs)[1:]))


keras.layers.TimeDistributed.call = _call
