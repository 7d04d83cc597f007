"""What is too large is said by layer, figure and limit, before anything is allocated."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.sizes.budget import Budget, exceed
from service.loading.sizes.shapes import measure
from tests.loading.handmade import layer, sequential, tiny


def behind(shape: list[int | None], *layers: Json) -> Json:
    return sequential(layer("InputLayer", name="x", batch_input_shape=shape), *layers)


def test_a_small_model_is_within() -> None:
    assert exceed(measure(tiny()), Budget()) == []


def test_the_largest_layer_is_named_for_the_weights() -> None:
    model = behind([None, 4], layer("Dense", name="a", units=9), layer("Dense", name="b", units=99))

    found = exceed(measure(model), Budget(parameter_bytes=1000))

    assert found == [
        "its weights take 1 MiB, most of them in layer 'b' (Dense); at most 1 MiB are allowed"
    ]


@pytest.mark.parametrize(
    ("shape", "item"),
    [
        ([None, 4], layer("Dense", name="big", units=5_000_000_000)),
        ([None, 4], layer("Dense", name="big", units=2**62)),
        ([None, 4], layer("RepeatVector", name="big", n=10**9)),
        ([None, 5, 4], layer("ZeroPadding1D", name="big", padding=[10**9, 1])),
        ([None, 5, 4], layer("UpSampling1D", name="big", size=10**9)),
        (
            [None, 50_000, 4],
            layer("TimeDistributed", name="big", layer=layer("Dense", units=10**5)),
        ),
        (
            [None, 5, 4],
            layer(
                "Conv1D",
                name="big",
                filters=1,
                kernel_size=2,
                padding="causal",
                dilation_rate=10**9,
            ),
        ),
    ],
)
def test_what_is_small_in_the_file_and_large_in_memory(shape: list[Any], item: Json) -> None:
    found = exceed(measure(behind(shape, item)), Budget())

    assert any("layer 'big'" in sentence and "MiB" in sentence for sentence in found)


def test_weights_alone_can_be_too_many() -> None:
    model = behind([None, 4], layer("Embedding", name="e", input_dim=2**31, output_dim=64))

    assert exceed(measure(model), Budget()) == [
        "its weights take 524,288 MiB, most of them in layer 'e' (Embedding); "
        "at most 2,048 MiB are allowed"
    ]


def test_too_many_layers_and_calls() -> None:
    layers = [layer("ReLU", name=f"r{number}") for number in range(5000)]

    found = exceed(measure(behind([None, 4], *layers)), Budget(calls=100))

    assert found == [
        "one run makes 5,001 layer calls; at most 100 are allowed",
        "it has 5001 layers; at most 4000 are allowed",
    ]


def test_an_unrolled_layer_counts_every_step() -> None:
    model = behind([None, 30_000, 1], layer("LSTM", name="r", units=1, unroll=True))

    assert exceed(measure(model), Budget()) == [
        "one run makes 30,001 layer calls; at most 20000 are allowed"
    ]
