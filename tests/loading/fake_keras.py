"""A Keras model of plain Python objects: what putting weights into one needs, and no more."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


class FakeVariable:
    """A variable that remembers what was assigned to it."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.value: np.ndarray | None = None

    def assign(self, value: np.ndarray) -> None:
        assert value.shape == self.shape
        self.value = value


@dataclass
class FakeLayer:
    """A layer with its variables; a wrapper has layers within."""

    name: str
    trainable_weights: list[FakeVariable] = field(default_factory=list)
    non_trainable_weights: list[FakeVariable] = field(default_factory=list)
    inner: list["FakeLayer"] = field(default_factory=list)

    def flatten(self) -> Iterator["FakeLayer"]:
        yield self
        for layer in self.inner:
            yield from layer.flatten()


@dataclass
class FakeNormalization(FakeLayer):
    """A layer that computes with a copy of its weights, made when it is told to."""

    finalized_with: np.ndarray | None = None

    def finalize_state(self) -> None:
        self.finalized_with = self.non_trainable_weights[0].value


@dataclass
class FakeModel:
    """A model is its layers."""

    layers: list[FakeLayer]

    def _flatten_layers(self) -> Iterator[FakeLayer]:
        for layer in self.layers:
            yield from layer.flatten()

    def variables(self) -> list[FakeVariable]:
        """Every variable, to see which were assigned."""
        return [
            variable
            for layer in self.layers
            for variable in (*layer.trainable_weights, *layer.non_trainable_weights)
        ]
