"""Small stand-ins that behave like the real thing, for unit tests beside the real one."""

import numpy as np

from service.base.signature import Signature, Tensors, TensorSpec
from service.runtime.measurement import Measured

FLOAT_SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, 3)),),
    (TensorSpec("y", "float32", (None, 3), activation="softmax"),),
)


class FakeVersion:
    """A loaded version that answers its first input, times a factor."""

    def __init__(
        self,
        signature: Signature = FLOAT_SIGNATURE,
        factor: float = 1.0,
        row_cost_s: float = 0.0,
        error: Exception | None = None,
        sums: bool = False,
    ) -> None:
        self._signature = signature
        self._factor = factor
        self._row_cost_s = row_cost_s
        self._error = error
        self._sums = sums
        self.is_closed = False

    @property
    def signature(self) -> Signature:
        return self._signature

    @property
    def measured(self) -> Measured:
        return Measured({1: self._row_cost_s})

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        assert not self.is_closed, "ran after it was closed"
        if self._error is not None:
            raise self._error
        first = inputs[self._signature.inputs[0].name]
        values = first if first.dtype.kind in "OSU" else np.asarray(first * self._factor)
        if self._sums:
            values = values.sum(axis=0, keepdims=True)
        return {spec.name: values for spec in self._signature.outputs}

    def close(self) -> None:
        self.is_closed = True
