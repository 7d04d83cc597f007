"""Padding does just what Keras' own function does, and a declaration must fit its model."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.base.sequences import Sequences, Side, pad, pad_dense, sequences_misfit
from service.base.signature import Signature, TensorSpec

OUTPUT = TensorSpec("y", "float32", (None, 1))
SIDES = get_args(Side)


def model(*shape: int | None, dtype: str = "float32", **more: Any) -> Signature:
    return Signature((TensorSpec("x", dtype, (None, *shape), **more),), (OUTPUT,))


def rows(*lengths: int, features: int = 2) -> list[np.ndarray]:
    return [
        np.arange(n * features, dtype=np.float32).reshape(n, features) + at
        for at, n in enumerate(lengths, 1)
    ]


@pytest.mark.slow
def test_it_is_what_keras_does() -> None:
    """The oracle: `keras.utils.pad_sequences`, for every choice and many lengths."""
    from keras.utils import pad_sequences

    random = np.random.default_rng(0)
    for _ in range(300):
        features = random.integers(0, 3)
        item = (int(features),) if features else ()
        made = [random.random((n, *item)) * 9 for n in random.integers(1, 9, size=4)]
        length = None if random.random() < 0.3 else int(random.integers(1, 10))
        dtype = np.dtype(random.choice(["float32", "int64", "float16"]))
        told = Sequences(
            padding=random.choice(SIDES), truncating=random.choice(SIDES), value=float(length or 0)
        )
        oracle = pad_sequences(made, length, dtype, told.padding, told.truncating, told.value)
        ours = pad(made, told, length, dtype)
        assert ours.dtype == oracle.dtype
        assert np.array_equal(ours, oracle)


@settings(max_examples=100)
@given(
    count=st.integers(1, 4), steps=st.integers(1, 6), length=st.integers(1, 9),
    padding=st.sampled_from(SIDES), truncating=st.sampled_from(SIDES),
)  # fmt: skip
def test_equally_long_rows_give_the_same(
    count: int, steps: int, length: int, padding: Side, truncating: Side
) -> None:
    made = rows(*[steps] * count)
    told = Sequences(padding=padding, truncating=truncating, value=-1)

    dense = pad_dense(np.stack(made), told, length)

    assert np.array_equal(dense, pad(made, told, length, np.dtype("float32")))


def test_padding_again_changes_nothing() -> None:
    """Captured rows are padded already, to the longest of their request."""
    for padding in SIDES:
        told = Sequences(padding=padding)
        once = pad(rows(1, 3, 2), told, None, np.dtype("float32"))
        again = pad(list(once), told, 7, np.dtype("float32"))
        assert np.array_equal(again, pad(rows(1, 3, 2), told, 7, np.dtype("float32")))


def test_the_inputs_with_sequences_are_those_with_a_free_first_axis() -> None:
    both = Signature((*model(None, 6).inputs, TensorSpec("z", "float32", (None, 3))), (OUTPUT,))

    assert Sequences().lengths(both) == {"x": None}
    assert Sequences(max_length=9).lengths(both) == {"x": 9}
    assert Sequences(max_length=9).lengths(model(50, 6)) == {"x": 50}
    assert Sequences(inputs=("z",)).lengths(both) == {"z": 3}


@pytest.mark.parametrize(
    ("told", "signature", "words"),
    [
        ({}, model(None, 6), ""),
        ({"max_length": 50}, model(50, 6), ""),
        ({"value": 3}, model(None, dtype="int64", vocabulary=4), ""),
        ({"value": -1}, model(None, 6, mask=-1.0), ""),
        ({"value": 0.1}, model(None, 6, mask=float(np.float32(0.1))), ""),
        ({}, model(None, 6, mask=-1.0), "with value 0, but the model's mask hides -1 alone"),
        ({"value": 2}, model(None, dtype="int64", vocabulary=4, mask=0.0), "mask hides 0 alone"),
        ({"inputs": ("z",)}, model(None, 6), "names the input 'z', which the model doesn't have"),
        ({}, Signature((), (OUTPUT,)), "no input of the model has sequences"),
        ({}, model(), "no input of the model has sequences"),
        ({"inputs": ("x",)}, model(), "'x' has no sequences of numbers, but float32"),
        ({"max_length": 40}, model(50, 6), "'x' takes 50 steps, but max_length is 40"),
        ({"value": 4}, model(None, dtype="int64", vocabulary=4), "among 4 rows, which have no row"),
        ({"value": 0.5}, model(None, dtype="int64"), "takes int64, and the value 0.5 is none"),
        ({"value": 1e39}, model(None, 6), "takes float32, and the value 1e+39 is beyond it"),
        ({}, model(None, dtype="string"), "has no sequences of numbers, but string"),
    ],
)
def test_a_declaration_must_fit_the_model(
    told: dict[str, Any], signature: Signature, words: str
) -> None:
    found = sequences_misfit(Sequences(**told), signature)

    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize("told", [{"padding": "left"}, {"max_length": 0}, {"maxlen": 5}])
def test_other_words_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sequences(**told)
