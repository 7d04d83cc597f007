"""What is wrong with a configuration is said, and no configuration takes long or raises."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.strict_json import Json
from service.loading.sizes.shapes import ModelSizes, measure
from tests.loading.handmade import layer, modern_layer, sequential
from tests.loading.handmade_graphs import after, fed, functional, modern_fed, source, tensor


def only_fault(sizes: ModelSizes) -> str:
    assert not sizes.complete
    (fault,) = sizes.faults
    return fault


@pytest.mark.parametrize(
    ("shape", "item", "expected"),
    [
        ([None, 5, 4], layer("RepeatVector", n=3), "input of shape (None, 5, 4), expected 2 axes"),
        ([None, 4], layer("Conv2D", filters=3, kernel_size=2), "expected 4 axes"),
        ([None, None], layer("Dense", units=3), "axis -1 must be known"),
        ([None, 4], layer("Dense"), "units = None, expected a positive whole number"),
        ([None, 6], layer("Reshape", target_shape=[4, 2]), "target_shape = [4, 2]"),
        ([None, 6], layer("Reshape", target_shape=[-1, -1]), "at most one -1"),
        ([None, 6], layer("Embedding", input_dim=0, output_dim=3), "input_dim = 0"),
        (
            [None, 6, 4],
            layer("Conv1D", filters=3, kernel_size=9),
            "a window of 9 over an axis of 6",
        ),
        ([None, 6, 4], layer("Conv1D", filters=3, kernel_size=[2, 2]), "kernel_size = [2, 2]"),
        ([None, 6, 4], layer("Conv1D", filters=4, kernel_size=1, groups=3), "groups = 3"),
        ([None, 6, 4], layer("Conv1D", filters=4, kernel_size=1, padding="x"), "padding = 'x'"),
        ([None, 6, 4], layer("Cropping1D", cropping=[3, 4]), "gives the shape (None, -1, 4)"),
        ([None, 6, 4], layer("ZeroPadding1D", padding=-1), "a whole number from 0 on"),
        ([None, 6, 4], layer("UpSampling1D", size=2**62), "which no tensor can have"),
        ([None, 6, 4], layer("Permute", dims=[1, 1]), "dims = [1, 1]"),
        ([None, 6, 4], layer("LSTM", units=-5), "units = -5, expected a positive whole number"),
        ([None, 6, 4], layer("Bidirectional", layer=layer("GRU", units=0)), "units = 0"),
        ([None, 6, 4], layer("TimeDistributed", layer=7), "wraps no layer"),
        ([None, 6, 4], layer("BatchNormalization", axis=3), "axis = 3, expected an axis of 3"),
        ([None, 0], layer("Flatten"), "shape = 0"),
    ],
)
def test_what_no_layer_can_have_is_a_fault(shape: list[Any], item: Json, expected: str) -> None:
    assert expected in only_fault(measure(after(shape, item)))


@pytest.mark.parametrize("units", [0, -3, True, 2.5, "3", [3], {}, float("nan"), 2**70, 10**4000])
def test_a_fault_names_layer_field_and_value(units: Any) -> None:
    fault = only_fault(measure(after([None, 4], layer("Dense", name="d1", units=units))))

    assert fault.startswith("layer 'd1' (Dense): units = ")
    assert len(fault) < 120


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([source("x", 4), fed(layer("ReLU", name="a"), ["ghost"])], "is fed by 'ghost'"),
        ([source("x", 4), fed(layer("ReLU", name="a"), [["x", 3, 0]])], "call 3 of 'x'"),
        (
            [
                source("x", 4),
                fed(layer("ReLU", name="a"), ["b"]),
                fed(layer("ELU", name="b"), ["a"]),
            ],
            "circle through 'a'",
        ),
        (
            [source("x", 4), *[fed(layer("ReLU", name="a"), ["x"])] * 2],
            "two layers have the name 'a'",
        ),
        ([source("x", 4)], "its output is 'a', which isn't among the layers"),
        ([source("y", 4), fed(layer("ReLU", name="a"), ["y"])], "its input is 'x'"),
        (
            [source("x", 4), fed(layer("ReLU", name="a"), ["x"]), 7],
            "item 2 of its layers is no layer",
        ),
    ],
)
def test_a_graph_that_cannot_be(layers: list[Any], expected: str) -> None:
    sizes = measure(functional("m", layers, [["a", 0, 0]]))

    assert any(expected in fault for fault in sizes.faults)


def test_a_layer_called_with_inputs_that_need_other_weights() -> None:
    layers = [source("x", 4), source("y", 5), fed(layer("Dense", name="d", units=2), ["x"], ["y"])]

    sizes = measure(functional("m", layers, [["d", 0, 0], ["d", 1, 0]], ["x", "y"]))

    assert "other weights" in only_fault(sizes)


def test_models_nested_too_deeply() -> None:
    model = sequential(layer("Dense", name="d", units=2, batch_input_shape=[None, 2]))
    for _ in range(400):
        model = sequential(model)

    assert "nested deeper than 40" in measure(model).faults[0]


def test_different_shapes_at_every_call_are_not_followed_for_ever() -> None:
    grow = fed(layer("ZeroPadding1D", name="r", padding=1), ["x"])
    model = functional("m0", [source("x", None, 4), grow], [["r", 0, 0]])
    for depth in range(1, 25):
        before = model["config"]["name"]
        layers = [source("x", None, 4), fed(model, ["x"], [[before, 1, 0]])]
        model = functional(f"m{depth}", layers, [[before, 2, 0]])
    model["config"]["layers"][0] = source("x", 8, 4)

    sizes = measure(model)

    assert "different layer calls" in only_fault(sizes)
    assert sizes.calls > 20_000


SAMPLES = [
    sequential(
        layer("InputLayer", name="x", batch_input_shape=[None, 8, 9, 1]),
        layer("Conv2D", name="a", filters=2, kernel_size=[3, 3], strides=[1, 1], padding="same"),
        layer("TimeDistributed", name="b", layer=layer("GRU", units=3)),
        layer("Reshape", name="c", target_shape=[4, 6]),
        layer("RNN", name="d", cell=[layer("LSTMCell", units=3)]),
        layer("EinsumDense", name="e", equation="ab,bc->ac", output_shape=[3], bias_axes="c"),
    ),
    functional(
        "m",
        [
            source("x", 8, 9),
            modern_fed(modern_layer("Dense", name="a", units=9), tensor("x", [None, 8, 9])),
            fed(layer("MultiHeadAttention", name="b", num_heads=2, key_dim=3), ["x", "a"]),
            fed(layer("Concatenate", name="c", axis=-1), ["a", "b"]),
        ],
        [["c", 0, 0]],
    ),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(
        [2**40, 2**63, 10**30, 10**4000, [], {}, [None], [[1, 2], [3]], "Dense", "same"]
    ),
    st.lists(st.integers(-2, 5), max_size=4),
)


def places(config: Any) -> list[tuple[Any, Any]]:
    found, pending = [], [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict | list):
            keys = list(item) if isinstance(item, dict) else range(len(item))
            found += [(item, key) for key in keys]
            pending += [item[key] for key in keys]
    return found


@settings(max_examples=300, deadline=5000)
@given(st.data())
def test_odd_configurations_never_raise(data: st.DataObject) -> None:
    config = copy.deepcopy(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 3))):
        item, key = data.draw(st.sampled_from(places(config)))
        item[key] = copy.deepcopy(data.draw(ODD))  # or what is in it would be in itself

    sizes = measure(config)

    assert all(len(fault) < 1000 for fault in sizes.faults)
    assert sizes.parameters >= 0
