"""The models that are measured: their names, their shapes, and where their files lie."""

import math
from dataclasses import dataclass
from pathlib import Path

INPUT = "x"


@dataclass(frozen=True, slots=True)
class Model:
    """One Keras model with a single input, `x`, and ten classes; `rows` is how many it is tried on.

    `output` is the name of its last layer.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    rows: int
    output: str = "y"

    @property
    def numbers(self) -> int:
        """How many numbers make a row."""
        return math.prod(self.shape)

    def folder(self, top: Path) -> Path:
        """Where all its files are."""
        return top / self.name

    def repository(self, top: Path) -> Path:
        """The folder that the service is given; nothing but the model is in it."""
        return self.folder(top) / "repository"

    def keras_file(self, top: Path) -> Path:
        """The model as Keras saved it."""
        return self.repository(top) / f"{self.name}.h5"

    def onnx_file(self, top: Path) -> Path:
        """Its ONNX twin, for everyone who can't read Keras files."""
        return self.folder(top) / "model.onnx"

    def rows_file(self, top: Path) -> Path:
        """Rows to ask about."""
        return self.folder(top) / "rows.npy"

    def truth_file(self, top: Path) -> Path:
        """What Keras answers to each of them."""
        return self.folder(top) / "truth.npy"


MLP = Model("mlp", "a perceptron of 784-32-64-128-10", (784,), rows=256)
LSTM = Model("lstm", "an LSTM of 64 units over 50x16", (50, 16), rows=64)
MOBILENET = Model(
    "mobilenet", "MobileNetV2 for 96x96x3", (96, 96, 3), rows=16, output="predictions"
)
SLOW = Model("slow", "four convolutions over 64 numbers", (64,), rows=64)
ALL = (MLP, LSTM, MOBILENET, SLOW)


def named(name: str) -> Model:
    """The model of that name."""
    return next(model for model in ALL if model.name == name)
