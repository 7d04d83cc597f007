"""A Keras model of plain Python objects: what putting weights into one needs, and no more."""

from collections.abc import Iterator
from typing import Any

import numpy as np


class FakeVariable:
    """A variable that remembers what was assigned to it."""

    def __init__(self, path: str, shape: tuple[int, ...], dtype: str = "float32") -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self.shape = shape
        self.dtype = dtype
        self.value: np.ndarray | None = None

    def assign(self, value: np.ndarray) -> None:
        assert value.shape == self.shape
        self.value = value


class FakeLayer:
    """A layer with its own variables, and layers within under the names of attributes."""

    def __init__(self, name: str, **shapes: tuple[int, ...]) -> None:
        self.name = name
        moving = {key for key in shapes if key in ("moving_mean", "mean", "variance", "count")}
        self._trainable_variables = [
            FakeVariable(f"{name}/{key}", shape)
            for key, shape in shapes.items()
            if key not in moving
        ]
        self._non_trainable_variables = [
            FakeVariable(f"{name}/{key}", shapes[key], "int64" if key == "count" else "float32")
            for key in shapes
            if key in moving
        ]

    def within(self, **inner: Any) -> "FakeLayer":
        """The same layer, holding others."""
        vars(self).update(inner)
        return self

    def _inner(self) -> Iterator["FakeLayer"]:
        for item in vars(self).values():
            for each in item if isinstance(item, list) else [item]:
                if isinstance(each, FakeLayer):
                    yield each

    def _flatten_layers(self) -> Iterator["FakeLayer"]:
        yield self
        for layer in self._inner():
            yield from layer._flatten_layers()

    @property
    def trainable_weights(self) -> list[FakeVariable]:
        return [v for each in self._flatten_layers() for v in each._trainable_variables]

    @property
    def non_trainable_weights(self) -> list[FakeVariable]:
        return [v for each in self._flatten_layers() for v in each._non_trainable_variables]

    @property
    def weights(self) -> list[FakeVariable]:
        return [*self.trainable_weights, *self.non_trainable_weights]

    @property
    def first(self) -> float:
        """The first number of the first variable, which tells whose array went in."""
        value = self.weights[0].value
        assert value is not None
        return float(value.flat[0])


class Dense(FakeLayer):
    """Kernel and bias."""

    def __init__(self, name: str, inputs: int = 4, units: int = 3) -> None:
        super().__init__(name, kernel=(inputs, units), bias=(units,))


class BatchNormalization(FakeLayer):
    """Without the moving variance, for which nothing here asks."""

    def __init__(self, name: str, size: int = 3) -> None:
        super().__init__(name, gamma=(size,), beta=(size,), moving_mean=(size,))


class LSTMCell(FakeLayer):
    """The part of an LSTM that owns its weights."""

    def __init__(self, name: str, inputs: int = 2, units: int = 3) -> None:
        kernel, recurrent = (inputs, 4 * units), (units, 4 * units)
        super().__init__(name, kernel=kernel, recurrent_kernel=recurrent, bias=(4 * units,))


class LSTM(FakeLayer):
    """An LSTM owns nothing itself."""

    cell: LSTMCell

    def __init__(self, name: str, inputs: int = 2, units: int = 3) -> None:
        super().__init__(name)
        self.within(cell=LSTMCell("lstm_cell", inputs, units))
        for variable in self.cell._trainable_variables:
            variable.path = f"{name}/{variable.path}"


class Normalization(FakeLayer):
    """A layer that computes with a copy of its weights, made when it is told to."""

    finalized_with: np.ndarray | None = None

    def finalize_state(self) -> None:
        self.finalized_with = self._non_trainable_variables[0].value


class StringLookup(FakeLayer):
    """A layer whose vocabulary lies beside the weights."""

    words: Any = None

    def load_assets(self, path: str) -> None:
        raise AssertionError("vocabularies are not the business of weights")

    def load_own_variables(self, store: dict[str, np.ndarray]) -> None:
        self.words = store["idf_weights"]


class Sequential(FakeLayer):
    """A model is its layers."""

    def __init__(self, *layers: FakeLayer, name: str = "sequential") -> None:
        super().__init__(name)
        self._members = list(layers)

    @property
    def layers(self) -> list[FakeLayer]:
        return list(self._members)

    def is_untouched(self) -> bool:
        return all(variable.value is None for variable in self.weights)
