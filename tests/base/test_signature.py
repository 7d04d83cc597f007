"""Tensors and signatures as they are recorded and shown."""

import numpy as np
import pytest

from service.base.signature import DTYPES, Signature, TensorSpec, shape_text, zeros

SIGNATURE = Signature(
    inputs=(
        TensorSpec("words", "int64", (None, None), vocabulary=50, mask=0.0),
        TensorSpec("note", "string", (None, 1)),
    ),
    outputs=(TensorSpec("class", "float32", (None, 3), activation="softmax"),),
)


def test_a_signature_survives_being_recorded() -> None:
    assert Signature.from_json(SIGNATURE.as_json()) == SIGNATURE  # type: ignore[arg-type]


def test_a_record_leaves_out_what_there_is_not() -> None:
    record = TensorSpec("x", "float32", (None, 4)).as_json()

    assert record == {"name": "x", "dtype": "float32", "shape": [None, 4]}


def test_a_record_without_a_proper_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="shape"):
        TensorSpec.from_json({"name": "x", "dtype": "float32", "shape": "(4,)"})


@pytest.mark.parametrize(
    ("shape", "text"),
    [((None, 28, 28), "(?, 28, 28)"), ((None,), "(?,)"), ((), "()"), ((None, None), "(?, ?)")],
)
def test_shapes_read_as_people_write_them(shape: tuple[int | None, ...], text: str) -> None:
    assert shape_text(shape) == text


def test_warm_up_inputs_fit_the_signature() -> None:
    inputs = zeros(SIGNATURE, rows=2, free_axis=5)

    assert inputs["words"].shape == (2, 5)
    assert inputs["words"].dtype == np.int64
    assert inputs["note"].tolist() == [[""], [""]]


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_every_served_dtype_can_be_warmed(dtype: str) -> None:
    signature = Signature((TensorSpec("x", dtype, (None, 2)),), ())

    values = zeros(signature, rows=1)["x"]

    assert values.shape == (1, 2)
    assert not values.any()
