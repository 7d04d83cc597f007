"""Reference files are whole and plain, and answers are held against them strictly."""

import numpy as np
import pytest

from service.base.signature import Signature, TensorSpec
from tests.corpus.golden import Golden, difference, read_golden
from tests.corpus.manifest import FOLDER, read_manifest

VALUES = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)


def _golden(output: np.ndarray) -> Golden:
    return Golden(("x",), (np.zeros((2, 3), np.float32),), (output,))


def test_every_model_has_its_reference_and_no_reference_is_left_over() -> None:
    models = [model for model in read_manifest().models if model.golden is not None]

    for model in models:
        assert model.golden is not None
        golden = read_golden(model.golden)
        assert len({len(array) for array in (*golden.inputs, *golden.outputs)}) == 1
        assert all(np.isfinite(a).all() for a in golden.outputs if a.dtype.kind == "f")
    assert {model.golden for model in models} == set((FOLDER / "golden").iterdir())


def test_the_difference_is_relative_to_the_largest_number() -> None:
    assert difference(_golden(VALUES * 1000), [VALUES * 1000 + 0.9]) == pytest.approx(
        1e-3, rel=1e-3
    )
    assert difference(_golden(VALUES * 0), [VALUES * 0 + 2e-11]) == pytest.approx(2e-5)
    assert difference(_golden(np.array(["a b"])), [np.array(["a b"])]) == 0


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (VALUES, VALUES[:, ::-1], "another class"),
        (VALUES, VALUES[:1], "shape"),
        (np.array(["a b"]), np.array(["ab"]), "'ab' instead of 'a b'"),
    ],
)
def test_what_is_wrong_is_told(expected: np.ndarray, got: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        difference(_golden(expected), [got])


def test_inputs_take_the_served_names_and_dtypes() -> None:
    arrays = (np.zeros((1, 2)), np.ones((1, 3)))
    golden = Golden(("a", "b"), arrays, ())
    spec_a, spec_b = TensorSpec("a", "int32", (None, 2)), TensorSpec("b", "float32", (None, 3))
    spec_c = TensorSpec("c", "float32", (None, 2))

    swapped = golden.by_name(Signature((spec_b, spec_a), ()))
    renamed = golden.by_name(Signature((spec_c, spec_b), ()))

    assert (swapped["a"].dtype, swapped["a"].shape) == (np.dtype("int32"), (1, 2))
    assert renamed["c"].shape == (1, 2)
