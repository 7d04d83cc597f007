"""Each rule that turns a configuration of Keras 1 or 2 into one for Keras 3."""

import copy
from typing import Any

import pytest

from service.loading.upgrade import is_modern, upgrade
from tests.loading.handmade import Json, layer, modern_layer, sequential, tiny

INPUT = layer("InputLayer", name="x", batch_input_shape=[None, 4], dtype="float32")
LEGACY_HARD_SIGMOID = {
    "module": "builtins",
    "class_name": "function",
    "config": "legacy_hard_sigmoid",
    "registered_name": "kerasd>legacy_hard_sigmoid",
}


def _layers(model: Json, version: str = "2.4.0") -> list[Json]:
    upgraded, _ = upgrade(model, version)
    layers: list[Json] = upgraded["config"]["layers"]
    return layers


def _upgraded(item: Json) -> tuple[Json, list[str]]:
    """One layer behind an input: its configuration afterwards, and the rules that it needed."""
    model, rules = upgrade(sequential(INPUT, item), "2.4.0")
    config: Json = model["config"]["layers"][1]["config"]
    return config, [rule for rule in rules if rule not in ("modules", "batch_input_shape")]


def test_every_layer_is_looked_for_where_keras_3_has_it() -> None:
    upgraded, rules = upgrade(tiny(), "2.4.0")

    assert upgraded["module"] == "keras"
    assert [item["module"] for item in upgraded["config"]["layers"]] == ["keras.layers"] * 2
    assert "modules" in rules


def test_the_input_shape_moves_into_the_input_layer() -> None:
    first, _ = _layers(tiny())

    assert first["config"] == {"name": "x", "dtype": "float32", "batch_shape": [None, 4]}


def test_a_missing_input_layer_is_made_of_the_first_layer() -> None:
    dense = layer("Dense", name="d", units=3, batch_input_shape=[None, 4], dtype="float64")

    upgraded, rules = upgrade(sequential(dense), "2.2.4")

    first, second = upgraded["config"]["layers"]
    assert first["class_name"] == "InputLayer"
    assert first["config"] == {"batch_shape": [None, 4], "dtype": "float64", "name": "d_input"}
    assert second["config"] == {"name": "d", "units": 3, "dtype": "float64"}
    assert "sequential_input" in rules


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (sequential(layer("Dense", name="d", units=3, input_dim=4)), [None, 4]),
        (sequential(sequential(tiny()["config"]["layers"][0])), [None, 4]),
        (
            {
                "class_name": "Sequential",
                "config": {"layers": [layer("Dense")], "build_input_shape": [None, 7]},
            },
            [None, 7],
        ),
    ],
)
def test_the_input_shape_is_found_wherever_it_stands(model: Json, shape: list[Any]) -> None:
    assert _layers(model)[0]["config"]["batch_shape"] == shape


def test_an_input_shape_that_stands_nowhere_is_an_error() -> None:
    with pytest.raises(ValueError, match="says nowhere what shape"):
        upgrade(sequential(layer("Dense", name="d", units=3)), "2.4.0")


def test_a_sequential_of_keras_1_is_a_list() -> None:
    model = {"class_name": "Sequential", "config": tiny()["config"]["layers"]}

    upgraded, rules = upgrade(model, "1.2.2")

    assert upgraded["config"]["name"] == "sequential"
    assert len(upgraded["config"]["layers"]) == 2
    assert "sequential_list" in rules


@pytest.mark.parametrize("config", [[], {"layers": []}, {"layers": 7}, {}])
def test_a_sequential_without_layers_is_an_error(config: Any) -> None:
    with pytest.raises(ValueError, match="no layers"):
        upgrade({"class_name": "Sequential", "config": config}, "2.4.0")


@pytest.mark.parametrize(
    ("item", "after", "rule"),
    [
        (
            layer("Dense", dtype={"class_name": "Policy", "config": {"name": "float32"}}),
            {"dtype": "float32"},
            "dtype_policy",
        ),
        (layer("BatchNormalization", axis=[3]), {"axis": 3}, "axis_list"),
        (layer("LeakyReLU", alpha=0.3), {"negative_slope": 0.3}, "leaky_slope"),
        (layer("GRU", units=2), {"units": 2, "reset_after": False}, "gru_reset_after"),
        (
            layer("LSTM", recurrent_activation="hard_sigmoid", activation="tanh"),
            {"recurrent_activation": LEGACY_HARD_SIGMOID, "activation": "tanh"},
            "hard_sigmoid",
        ),
        (layer("Dense", activation="hard_sigmoid"), {"activation": LEGACY_HARD_SIGMOID},
         "hard_sigmoid"),
        (
            layer("Dense", kernel_initializer=layer("Zeros", dtype="float32", seed=1)),
            {"kernel_initializer": layer("Zeros", seed=1)},
            "initializer_dtype",
        ),
        (layer("LSTM", time_major=False, units=2), {"units": 2}, "dropped_arguments"),
        (layer("Embedding", input_length=80, input_dim=9), {"input_dim": 9}, "dropped_arguments"),
        (layer("BatchNormalization", fused=None, renorm=False), {}, "dropped_arguments"),
        (layer("SpatialDropout1D", rate=0.5, noise_shape=None), {"rate": 0.5},
         "dropped_arguments"),
        (layer("DepthwiseConv2D", kernel_size=3, groups=1), {"kernel_size": 3},
         "dropped_arguments"),
        (layer("Conv2DTranspose", filters=2, groups=1), {"filters": 2}, "dropped_arguments"),
        (layer("SeparableConv2D", groups=1, kernel_initializer=layer("Zeros"), filters=2),
         {"filters": 2}, "dropped_arguments"),
        (layer("RandomFlip", mode="horizontal", rng_type="stateful"), {"mode": "horizontal"},
         "dropped_arguments"),
    ],
)  # fmt: skip
def test_a_rule_cures_one_thing_and_is_told(item: Json, after: Json, rule: str) -> None:
    assert _upgraded(item) == (after, [rule])


@pytest.mark.parametrize(
    "item",
    [
        layer("Dense", dtype="float32", activation="relu", kernel_initializer=layer("Zeros")),
        layer("BatchNormalization", axis=-1),
        layer("BatchNormalization", axis=[1, 2]),
        layer("LeakyReLU", negative_slope=0.3),
        layer("ELU", alpha=0.3),
        layer("GRU", units=2, reset_after=True),
        layer("LSTM", time_major=True),  # another behaviour: Keras shall refuse it
        layer("BatchNormalization", renorm=True),
        layer("Conv2D", groups=1, kernel_initializer=layer("Zeros")),
        layer("DepthwiseConv2D", groups=2),
    ],
)
def test_what_did_not_change_is_left_alone(item: Json) -> None:
    assert _upgraded(item) == (item["config"], [])


@pytest.mark.parametrize(
    ("wrapper", "path"),
    [
        (layer("TimeDistributed", layer=layer("LeakyReLU", alpha=0.3)), ["layer"]),
        (
            layer("Bidirectional", layer=layer("LSTM"),
                  backward_layer=layer("LeakyReLU", alpha=0.3)),
            ["backward_layer"],
        ),
        (layer("RNN", cell=layer("LeakyReLU", alpha=0.3)), ["cell"]),
        (
            layer("RNN", cell=layer("StackedRNNCells", cells=[layer("LeakyReLU", alpha=0.3)])),
            ["cell", "cells"],
        ),
        (
            layer("TimeDistributed", layer=layer("Bidirectional",
                                                 layer=layer("LeakyReLU", alpha=0.3))),
            ["layer", "layer"],
        ),
    ],
)  # fmt: skip
def test_wrapped_layers_are_upgraded_too(wrapper: Json, path: list[str]) -> None:
    found, rules = _upgraded(wrapper)

    for key in path:
        inner = found[key][0] if isinstance(found[key], list) else found[key]
        assert inner["module"] == "keras.layers"
        found = inner["config"]
    assert found == {"negative_slope": 0.3}
    assert "leaky_slope" in rules


def test_models_within_models_are_upgraded_too() -> None:
    inner = sequential(INPUT, layer("LeakyReLU", alpha=0.3))

    _, nested = _layers(sequential(INPUT, inner))

    assert nested["class_name"] == "Sequential"
    assert nested["config"]["layers"][1]["config"] == {"negative_slope": 0.3}


def _functional() -> Json:
    second = {**layer("Dense", units=2), "name": "y", "inbound_nodes": [[["x", 0, 0, {}]]]}
    first = {**INPUT, "name": "x", "inbound_nodes": []}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]}
    return {"class_name": "Model", "config": {"name": "m", "layers": [first, second], **ends}}


def test_a_functional_model_keeps_its_graph() -> None:
    upgraded, _ = upgrade(_functional(), "2.1.0")

    assert upgraded["class_name"] == upgraded["registered_name"] == "Functional"
    first, second = upgraded["config"]["layers"]
    assert first["config"]["batch_shape"] == [None, 4]
    assert second["inbound_nodes"] == [[["x", 0, 0, {}]]]  # Keras 3 reads this form itself
    assert upgraded["config"]["output_layers"] == [["y", 0, 0]]


def _calls(count: int, class_name: str, first: int) -> Json:
    """A graph that calls a nested model `count` times, which Keras 2 counts from `first` on."""
    inner = tiny() if class_name == "Sequential" else _functional()
    calls = [[["x", 0, 0, {}]]] * count
    results = [["inner", first + call, 0, {}] for call in range(count)]
    layers = [
        {**INPUT, "name": "x", "inbound_nodes": []},
        {**inner, "name": "inner", "inbound_nodes": calls},
        {**layer("Add", name="sum"), "name": "sum", "inbound_nodes": [results]},
    ]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["sum", 0, 0], ["inner", first, 0]]}
    return {"class_name": "Functional", "config": {"layers": layers, **ends}}


@pytest.mark.parametrize(
    ("class_name", "first", "output"), [("Sequential", 1, 0), ("Functional", 1, 1)]
)
@pytest.mark.parametrize("count", [1, 2])
def test_calls_of_a_nested_model_are_counted_from_0(
    class_name: str, first: int, output: int, count: int
) -> None:
    upgraded, rules = upgrade(_calls(count, class_name, first), "2.15.0")

    (results,) = upgraded["config"]["layers"][2]["inbound_nodes"]
    assert [reference[:2] for reference in results] == [["inner", call] for call in range(count)]
    # Keras 3 itself still counts the outputs that are functional models from 1.
    assert upgraded["config"]["output_layers"] == [["sum", 0, 0], ["inner", output, 0]]
    assert "nested_calls" in rules


def test_calls_that_are_counted_from_0_stay() -> None:
    """A nested Sequential that was made without an input has no call of its own."""
    model = _calls(2, "Sequential", first=0)

    upgraded, rules = upgrade(model, "2.15.0")

    assert (
        upgraded["config"]["layers"][2]["inbound_nodes"]
        == (model["config"]["layers"][2]["inbound_nodes"])
    )
    assert "nested_calls" not in rules


def test_a_functional_model_without_layers_is_an_error() -> None:
    with pytest.raises(ValueError, match="subclassed"):
        upgrade({"class_name": "Model", "config": {}}, "2.4.0")


@pytest.mark.parametrize("model", [tiny(), _functional()])
def test_the_original_is_kept(model: Json) -> None:
    before = copy.deepcopy(model)

    upgrade(model, "2.4.0")

    assert model == before


def test_a_configuration_of_keras_3_is_left_alone() -> None:
    """Its hard_sigmoid is another function of the same name: it must stay."""
    lstm = modern_layer("LSTM", recurrent_activation="hard_sigmoid", time_major=False)
    model = sequential(modern_layer("InputLayer", batch_shape=[None, 4]), lstm)

    upgraded, rules = upgrade(model, "3.10.0")

    assert upgraded["config"] == model["config"]
    assert rules == []
    assert upgraded["module"] == "keras"  # a whole .h5 leaves it out


@pytest.mark.parametrize(
    ("version", "modern"), [("3.0.0", True), ("10.1", True), ("2.15.0", False), ("1.2.2-tf", False)]
)
def test_the_file_says_which_keras_wrote_it(version: str, modern: bool) -> None:
    assert is_modern(tiny(), version) is modern


@pytest.mark.parametrize("version", ["", "unknown", "x.3", "9" * 5000])
def test_without_a_version_the_form_tells(version: str) -> None:
    """The JSON of Keras 3 carries no version; that of tf.keras from 2.13 looks similar."""
    modern = {**sequential(modern_layer("InputLayer", batch_shape=[None, 4])), "module": "keras"}
    between = {**sequential({**INPUT, "module": "keras.layers"}), "module": "keras"}

    assert is_modern(modern, version)
    assert not is_modern(between, version)
    assert not is_modern(tiny(), version)
