"""Frozen layers keep their weights bit by bit, and what can't be frozen is said."""

from typing import Any

import numpy as np
import pytest

from service.base.refusals import TrainingRefused
from service.recipe.init import Init
from service.training.model.freezing import freeze, tell_frozen

pytestmark = pytest.mark.slow


def _model() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((6,))
    body = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5, name="drop"),
        ],
        name="body",
    )
    hidden = layers.Dense(5, activation="relu", name="second")(body(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="last")(hidden))


def _freeze(model: Any, asked: Any, head: Any = None) -> None:
    freeze(model, Init.model_validate({"freeze": asked}), head, "model.h5", {"second": "a/b"})


def _fit(model: Any) -> None:
    random = np.random.default_rng(0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(random.random((64, 6)), random.integers(0, 3, 64), epochs=2, verbose=0)


@pytest.mark.parametrize(
    ("asked", "frozen"),
    [
        (["body"], ["body/first", "body/norm"]),
        (["body/f*"], ["body/first"]),
        ("norm", ["body/norm"]),
        (["*st", "nor?"], ["body/first", "body/norm", "last"]),
        (["a/b"], ["second"]),
        ({"all_but_last": 1}, ["body/first", "body/norm", "second"]),
        ({"all_but_last": 3}, ["body/first"]),
        ({"all_but_last": 9}, []),
        ([], []),
    ],
    ids=["model", "path", "inner name", "patterns", "name in the file", "one", "three", "more",
         "none"],
)  # fmt: skip
def test_what_is_frozen_stays_bit_by_bit(asked: Any, frozen: list[str]) -> None:
    model = _model()
    _freeze(model, asked)
    body = model.get_layer("body")
    layers = {f"body/{layer.name}": layer for layer in body.layers}
    layers |= {layer.name: layer for layer in model.layers}
    before = {name: layers[name].get_weights() for name in ("body/first", "body/norm", "second")}

    _fit(model)

    assert tell_frozen(model)["frozen"] == frozen
    for name, weights in before.items():
        pairs = zip(weights, layers[name].get_weights(), strict=True)
        kept = [old.tobytes() == new.tobytes() for old, new in pairs]
        assert all(kept) if name in frozen else not any(kept)


def test_without_a_say_the_file_s_own_choice_stays() -> None:
    model = _model()
    model.get_layer("second").trainable = False

    freeze(model, Init(), None, "model.h5", {})

    assert tell_frozen(model)["frozen"] == ["second"]
    _freeze(model, [])
    assert tell_frozen(model)["frozen"] == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["neck"], "freeze names 'neck', but no layer is called so; there are body, body/first"),
        (["*"], "every layer with weights is frozen: nothing would learn"),
    ],
    ids=["unknown", "all"],
)
def test_says_what_is_wrong(asked: list[str], told: str) -> None:
    with pytest.raises(TrainingRefused) as caught:
        _freeze(_model(), asked)

    assert told in str(caught.value)


def test_a_new_head_is_never_frozen() -> None:
    model = _model()

    with pytest.raises(TrainingRefused, match="freeze covers 'last', the new head"):
        _freeze(model, ["l*"], model.get_layer("last"))


def test_what_changes_all_the_same_is_not_frozen() -> None:
    import keras
    from keras import layers

    inner = layers.Dense(4)
    model = keras.Sequential(
        [keras.Input((3,)), layers.SpectralNormalization(inner, name="s"), layers.Dense(2)]
    )

    with pytest.raises(TrainingRefused, match="layer 's' is a SpectralNormalization"):
        _freeze(model, ["s"])
