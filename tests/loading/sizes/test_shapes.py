"""Sizes of models from their configurations alone, of every era, and what is wrong with them."""

from typing import Any

import pytest

from service.loading.sizes.shapes import LayerSize, measure
from tests.loading.handmade import layer, modern_layer, sequential
from tests.loading.handmade_graphs import after, fed, functional, modern_fed, source, tensor


def test_a_sequential_model_of_keras_2() -> None:
    sizes = measure(
        sequential(
            layer("Dense", name="a", units=8, batch_input_shape=[None, 4], use_bias=True),
            layer("Activation", name="b", activation="relu"),
            layer("Dense", name="c", units=3, use_bias=False),
        )
    )

    assert sizes.layers == (
        LayerSize("a", "Dense", (None, 8), 40),
        LayerSize("b", "Activation", (None, 8), 0),
        LayerSize("c", "Dense", (None, 3), 24),
    )
    assert sizes.inputs == (("a_input", (None, 4)),)
    assert sizes.outputs == (("c", (None, 3)),)
    assert (sizes.parameters, sizes.largest_activation, sizes.calls) == (64, 8, 3)
    assert (sizes.complete, sizes.faults) == (True, ())


def test_a_model_of_keras_1() -> None:
    layers = [
        layer(
            "Convolution2D",
            name="a",
            nb_filter=6,
            nb_row=3,
            nb_col=2,
            border_mode="same",
            subsample=[1, 1],
            dim_ordering="th",
            batch_input_shape=[None, 1, 8, 9],
        ),
        layer("MaxPooling2D", name="b", pool_size=[2, 2], dim_ordering="th", border_mode="valid"),
        layer("Flatten", name="c"),
        layer("Dense", name="d", output_dim=5, bias=False),
    ]

    sizes = measure({"class_name": "Sequential", "config": layers})

    assert [found.output_shape for found in sizes.layers] == [
        (None, 6, 8, 9),
        (None, 6, 4, 4),
        (None, 96),
        (None, 5),
    ]
    assert [found.parameters for found in sizes.layers] == [42, 0, 0, 480]


def test_a_functional_model_of_keras_3() -> None:
    layers = [
        modern_fed(modern_layer("InputLayer", name="x", batch_shape=[None, 6])),
        modern_fed(modern_layer("Dense", name="a", units=4), tensor("x", [None, 6])),
        modern_fed(modern_layer("Dense", name="b", units=4), tensor("x", [None, 6])),
        modern_fed(modern_layer("Add", name="c"), tensor("a", [None, 4]), tensor("b", [None, 4])),
    ]
    config = functional("m", layers, [["c", 0, 0]])

    sizes = measure({**config, "class_name": "Functional"})

    assert sizes.outputs == (("c", (None, 4)),)
    assert (sizes.parameters, sizes.calls, sizes.complete) == (56, 4, True)


def test_the_files_own_word_counts_only_where_nothing_else_is_known() -> None:
    own = {**modern_layer("Mine", name="a"), "module": "mine"}
    layers = [
        modern_fed(modern_layer("InputLayer", name="x", batch_shape=[None, 6])),
        modern_fed(own, tensor("x", [None, 999])),
        modern_fed(modern_layer("Dense", name="b", units=2), tensor("a", [None, 10])),
        modern_fed(modern_layer("Dense", name="c", units=2), tensor("x", [None, 999])),
    ]

    sizes = measure(functional("m", layers, [["b", 0, 0], ["c", 0, 0]]))

    assert {found.name: found.parameters for found in sizes.layers} == {
        "x": 0,
        "a": None,
        "b": 22,
        "c": 14,
    }
    assert not sizes.complete
    assert sizes.faults == ()


def test_a_shared_model_counts_its_weights_once_and_its_calls_each_time() -> None:
    inner = functional(
        "inner", [source("y", 4), fed(layer("Dense", name="d", units=4), ["y"])], [["d", 0, 0]], "y"
    )
    # The making of a nested model counted as its first call in Keras 2.
    layers = [source("x", 4), fed(inner, ["x"], [["inner", 1, 0]])]

    sizes = measure(functional("outer", layers, [["inner", 2, 0]]))

    assert [found.name for found in sizes.layers] == ["x", "inner", "inner/y", "inner/d"]
    assert (sizes.parameters, sizes.calls, sizes.faults) == (20, 5, ())
    assert sizes.outputs == (("inner", (None, 4)),)


def test_calls_multiply_without_being_made() -> None:
    model = functional("m0", [source("x", 4), fed(layer("ReLU", name="r"), ["x"])], [["r", 0, 0]])
    for depth in range(1, 31):
        before = model["config"]["name"]
        layers = [source("x", 4), fed(model, ["x"], [[before, 1, 0]])]
        model = functional(f"m{depth}", layers, [[before, 2, 0]])

    sizes = measure(model)

    assert sizes.calls > 2**30


def test_a_strangers_class_is_unknown_and_no_fault() -> None:
    sizes = measure(after([None, 4], {**layer("Dense", units=2), "registered_name": "mine>Dense"}))

    assert (sizes.faults, sizes.complete) == ((), False)
    assert sizes.layers[1] == LayerSize("Dense", "Dense", None, None)


def test_what_a_layer_needs_inside_counts() -> None:
    last = measure(after([None, 1000, 2], layer("LSTM", name="r", units=8)))
    scores = measure(
        functional(
            "m",
            [source("x", 500, 4), fed(layer("Attention", name="a"), ["x", "x"])],
            [["a", 0, 0]],
        )
    )

    assert (last.largest_activation, last.largest_layer) == (8000, "r")
    assert scores.largest_activation == 250_000


def test_wide_numbers_take_twice_the_bytes() -> None:
    sizes = measure(after([None, 4], layer("Dense", units=10, dtype="float64")))

    assert (sizes.parameter_bytes, sizes.activation_bytes) == (400, 80)


@pytest.mark.parametrize(
    "config", [{}, {"class_name": "Model"}, {"class_name": "Lambda"}, [], None]
)
def test_what_is_no_model_is_not_complete(config: Any) -> None:
    assert not measure(config).complete
