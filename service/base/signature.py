"""Tensors and signatures: what goes into a model and what comes out, without any framework."""

from dataclasses import dataclass

import numpy as np

Tensors = dict[str, np.ndarray]

STRING = "string"
DTYPES = frozenset(
    "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool string".split()
)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: `shape` has the batch axis first, `None` is a free axis.

    `vocabulary` is set for inputs that are looked up in an embedding: values are whole numbers
    from 0 up to, not including, it. `activation` is set for outputs whose layer has one. `mask` is
    the value of steps that the model hides, where it hides any.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    vocabulary: int | None = None
    activation: str = ""
    mask: float | None = None

    @property
    def item_shape(self) -> tuple[int | None, ...]:
        """The shape of one instance: without the batch axis."""
        return self.shape[1:]

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype in NumPy; strings are objects."""
        return np.dtype(object if self.dtype == STRING else self.dtype)

    def as_json(self) -> dict[str, object]:
        """A plain record, for the database and compiled files."""
        record: dict[str, object] = {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
        }
        if self.vocabulary is not None:
            record["vocabulary"] = self.vocabulary
        if self.activation:
            record["activation"] = self.activation
        if self.mask is not None:
            record["mask"] = self.mask
        return record

    @classmethod
    def from_json(cls, record: dict[str, object]) -> "TensorSpec":
        """The reverse of `as_json`."""
        shape, vocabulary = record["shape"], record.get("vocabulary")
        mask = record.get("mask")
        if not isinstance(shape, list):
            raise TypeError("the shape is no list")
        return cls(
            name=str(record["name"]),
            dtype=str(record["dtype"]),
            shape=tuple(None if axis is None else int(axis) for axis in shape),
            vocabulary=vocabulary if isinstance(vocabulary, int) else None,
            activation=str(record.get("activation", "")),
            mask=float(mask) if isinstance(mask, int | float) else None,
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs and outputs of a model, in the model's own order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def as_json(self) -> dict[str, object]:
        """A plain record, for the database and compiled files."""
        return {
            "inputs": [spec.as_json() for spec in self.inputs],
            "outputs": [spec.as_json() for spec in self.outputs],
        }

    @classmethod
    def from_json(cls, record: dict[str, list[dict[str, object]]]) -> "Signature":
        """The reverse of `as_json`."""
        return cls(
            inputs=tuple(TensorSpec.from_json(spec) for spec in record["inputs"]),
            outputs=tuple(TensorSpec.from_json(spec) for spec in record["outputs"]),
        )


WARM_ROWS = (1, 2, 8, 32)  # the batch sizes with which a worker warms a version


def zeros(signature: Signature, rows: int, free_axis: int = 8) -> Tensors:
    """A batch of zeros or empty texts, every free axis `free_axis` long: to warm a version."""
    inputs: Tensors = {}
    for spec in signature.inputs:
        shape = (rows, *(free_axis if axis is None else axis for axis in spec.item_shape))
        inputs[spec.name] = np.full(shape, "" if spec.dtype == STRING else 0, spec.numpy_dtype)
    return inputs


def shape_text(shape: tuple[int | None, ...]) -> str:
    """A shape as people write it: `(?, 28, 28)`."""
    inner = ", ".join("?" if axis is None else str(axis) for axis in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
