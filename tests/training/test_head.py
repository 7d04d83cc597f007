"""A new last layer over the same body, or the name of the layer that stands in the way."""

from typing import Any

import numpy as np
import pytest

from service.base.refusals import TrainingRefused
from service.recipe.init import ReplaceHead

pytestmark = pytest.mark.slow


def _sequential(*last: Any) -> Any:
    import keras

    body = [keras.Input((4,), name="x"), keras.layers.Dense(6, name="body")]
    return keras.Sequential([*body, *last], name="net")


def _plain() -> Any:
    from keras import layers

    return _sequential(layers.Dense(3, activation="softmax", name="kind", use_bias=False))


def _with_activation() -> Any:
    from keras import layers

    return _sequential(layers.Dense(3, name="logits"), layers.Activation("softmax", name="kind"))


def _functional() -> Any:
    import keras

    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    joined = keras.layers.Add()([keras.layers.Dense(4, name="body")(one), two])
    outputs = keras.layers.Softmax(name="kind")(keras.layers.Dense(3, name="logits")(joined))
    return keras.Model({"one": one, "two": two}, outputs, name="net")


def _nested() -> Any:
    import keras

    inputs = keras.Input((4,), name="x")
    scaled = keras.layers.Rescaling(0.5)(inputs)
    return keras.Model(inputs, _plain()(scaled), name="outer")


def _in_sequential() -> Any:
    return _sequential(_functional_of_one())


def _functional_of_one() -> Any:
    import keras

    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="kind")(inputs))


MODELS = [_plain, _with_activation, _functional, _nested, _in_sequential]


def _ask(model: Any, classes: int, seed: int = 5) -> Any:
    from service.training.model.head import replace_head

    return replace_head(model, ReplaceHead(classes=classes), seed, "model.h5")


def _last(model: Any) -> str:
    return str(model.outputs[0]._keras_history.operation.name)


def _weights(model: Any) -> dict[int, bytes]:
    return {id(variable): variable.numpy().tobytes() for variable in model.variables}


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("classes", "width", "last"), [(5, 5, "softmax"), (2, 1, "sigmoid")])
def test_the_body_stays_and_the_head_is_new(make: Any, classes: int, width: int, last: str) -> None:
    from service.training.model.head import last_activation

    model = make()
    before = _weights(model)

    head = _ask(model, classes)

    after = _weights(head.model)
    new = {id(variable) for variable in head.layer.variables}
    assert head.model.output_shape == (None, width)
    assert last_activation(head.model) == last
    assert {key: after[key] for key in after if key not in new} == {
        key: before[key] for key in after if key not in new
    }
    assert not new & set(before)
    assert head.report["layer"] in ("kind", "logits")
    assert (head.report["outputs_before"], head.report["outputs"]) == (3, width)
    assert _last(head.model) == _last(model)
    assert head.model.name == model.name


def test_answers_with_the_structure_of_inputs_that_it_had() -> None:
    head = _ask(_functional(), 5)

    answer = head.model.predict({"two": np.ones((2, 4)), "one": np.zeros((2, 4))}, verbose=0)

    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_an_operation_is_an_activation_too(name: str) -> None:
    import keras

    from service.training.model.head import last_activation

    inputs = keras.Input((4,))
    outputs = getattr(keras.ops, name)(keras.layers.Dense(3)(inputs))

    assert last_activation(keras.Model(inputs, outputs)) == name


def test_what_only_gives_numbers_another_shape_is_looked_through() -> None:
    import keras

    from service.training.model.head import last_activation

    inputs = keras.Input((4,))
    outputs = keras.layers.Reshape((3, 1))(keras.layers.Dense(3, activation="softmax")(inputs))
    plain = keras.Sequential([inputs, keras.layers.Dense(3), keras.layers.Flatten()])

    assert last_activation(keras.Model(inputs, keras.ops.squeeze(outputs, -1))) == "softmax"
    assert last_activation(plain) == "linear"


def test_what_sums_and_averages_come_from() -> None:
    import keras

    from service.training.model.head import last_activation

    inputs = keras.Input((4,))
    logits = [keras.layers.Dense(3)(inputs) for _ in range(2)]
    shares = [keras.layers.Softmax()(one) for one in logits]

    def of(outputs: Any) -> str:
        return last_activation(keras.Model(inputs, outputs))

    assert of(keras.layers.Add()(logits)) == of(logits[0] + logits[1]) == "linear"
    assert of(keras.layers.Rescaling(2.0)(logits[0])) == "linear"
    assert of(keras.layers.Average()(logits)) == "linear"
    assert of(keras.layers.Average()(shares)) == "softmax"
    assert of(keras.layers.Average()([logits[0], shares[0]])) == ""


def test_what_the_old_head_was_told_stays() -> None:
    head = _ask(_plain(), 4)

    assert not head.layer.use_bias


def test_the_seed_draws_the_weights() -> None:
    one, same, other = (
        _ask(_plain(), 5, seed).layer.get_weights()[0].tobytes() for seed in (1, 1, 2)
    )

    assert one == same != other


def _two_outputs() -> Any:
    import keras

    inputs = keras.Input((4,))
    dense = [keras.layers.Dense(2, name=name)(inputs) for name in ("a", "b")]
    return keras.Model(inputs, dense)


def _pooled() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(3, 1), layers.GlobalAveragePooling2D(name="pool")]
    )


def _behind_a_model() -> Any:
    from keras import layers

    return _sequential(_functional_of_one(), layers.Activation("softmax", name="late"))


def _shared() -> Any:
    import keras

    inputs = keras.Input((3,))
    dense = keras.layers.Dense(3, name="twice")
    return keras.Model(inputs, dense(dense(inputs)))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_two_outputs, "replace_head needs one output, the model has 2"),
        (_pooled, "layer 'pool' is a GlobalAveragePooling2D, not a Dense"),
        (_behind_a_model, "layer 'late' stands behind the model"),
        (_shared, "layer 'twice' is used in several places"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_names_what_stands_in_the_way(make: Any, told: str) -> None:
    with pytest.raises(TrainingRefused) as caught:
        _ask(make(), 5)

    assert told in str(caught.value)
