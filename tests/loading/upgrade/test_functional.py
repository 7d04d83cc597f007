"""The graphs of functional models: references, counts of calls, arguments of calls."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, tiny
from tests.loading.upgrade.examples import INPUT, SEQUENCE, called, dense, functional, named, nested


def _calls(model: Json, version: str = "2.8.0") -> Any:
    """How the model's last layer is called after the upgrade."""
    return upgrade(model, version).config["config"]["layers"][-1]["inbound_nodes"]


def _tensor(*history: Any) -> Json:
    config = {"shape": [], "dtype": "float32", "keras_history": list(history)}
    return {"class_name": "__keras_tensor__", "config": config}


def test_a_functional_model_keeps_its_graph() -> None:
    upgraded = upgrade({**called(dense()), "class_name": "Model"}, "2.1.0").config

    assert upgraded["class_name"] == upgraded["registered_name"] == "Functional"
    first, second = upgraded["config"]["layers"]
    assert first["config"]["batch_shape"] == [None, 5, 4]
    assert second["inbound_nodes"] == [[["x", 0, 0, {}]]]  # Keras 3 reads this form itself
    assert upgraded["config"]["output_layers"] == [["y", 0, 0]]


def test_what_else_stands_in_the_configuration_is_dropped() -> None:
    model = called(dense())
    model["config"] |= {"dtype": "float32", "trainable": False}

    upgraded = upgrade(model, "2.8.0").config["config"]

    assert upgraded.keys() == {"name", "trainable", "layers", "input_layers", "output_layers"}


def _called_often(count: int, class_name: str, first: int) -> Json:
    """A graph that calls a nested model `count` times, which Keras 2 counts from `first` on."""
    inner = tiny() if class_name == "Sequential" else called(dense())
    results = [["inner", first + call, 0, {}] for call in range(count)]
    layers = [
        named(INPUT, []),
        {**inner, "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]] * count},
        named(layer("Add", name="sum"), [results]),
    ]
    model = functional(*layers, output="sum")
    model["config"]["output_layers"].append(["inner", first, 0])
    return model


@pytest.mark.parametrize(
    ("class_name", "first", "output"), [("Sequential", 1, 0), ("Functional", 1, 1)]
)
@pytest.mark.parametrize("count", [1, 2])
def test_calls_of_a_nested_model_are_counted_from_0(
    class_name: str, first: int, output: int, count: int
) -> None:
    upgraded = upgrade(_called_often(count, class_name, first), "2.15.0")

    (results,) = upgraded.config["config"]["layers"][2]["inbound_nodes"]
    assert [reference[:2] for reference in results] == [["inner", call] for call in range(count)]
    # Keras 3 itself still counts the outputs that are functional models from 1.
    assert upgraded.config["config"]["output_layers"] == [["sum", 0, 0], ["inner", output, 0]]
    assert "nested_calls" in upgraded.rules


def test_calls_that_are_counted_from_0_stay() -> None:
    """A nested Sequential that was made without an input has no call of its own."""
    model = nested(first_call=0)

    upgraded = upgrade(model, "2.15.0")

    assert _calls(model) == model["config"]["layers"][2]["inbound_nodes"]
    assert "nested_calls" not in upgraded.rules


def test_calls_by_keyword_are_counted_too() -> None:
    model = nested()
    attention = layer("MultiHeadAttention", name="y", num_heads=1, key_dim=2)
    node = [[["x", 0, 0, {"value": ["inner", 1, 0]}]]]
    model["config"]["layers"][-1] = named(attention, node)

    assert _calls(model)[0]["kwargs"] == {"value": _tensor("inner", 0, 0)}


@pytest.mark.parametrize(
    ("item", "node", "call"),
    [
        (
            layer("MultiHeadAttention"),
            [["x", 0, 0, {"value": ["x", 0, 0], "key": None, "training": False}]],
            {"args": [_tensor("x", 0, 0)],
             "kwargs": {"value": _tensor("x", 0, 0), "training": False}},
        ),
        (
            layer("Attention"),
            [["x", 0, 0, {"mask": [["x", 0, 0], None]}]] * 2,
            {"args": [[_tensor("x", 0, 0)] * 2], "kwargs": {"mask": [_tensor("x", 0, 0), None]}},
        ),
        (
            layer("LSTM", units=4),
            [["x", 0, 0, {"initial_state": None}], ["h", 0, 0, {}], ["c", 0, 0, {}]],
            {"args": [_tensor("x", 0, 0)],
             "kwargs": {"initial_state": [_tensor("h", 0, 0), _tensor("c", 0, 0)]}},
        ),
        (
            layer("Own"),
            {"a": ["x", 0, 0, {"k": 1}], "b": ["x", 0, 0, {"k": 1}]},
            {"args": [{"a": _tensor("x", 0, 0), "b": _tensor("x", 0, 0)}], "kwargs": {"k": 1}},
        ),
        (
            layer("Add"),
            [["_CONSTANT_VALUE", -1, [1, 2], {}], ["x", 0, 0, {}]],
            {"args": [[{"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "int32"}},
                       _tensor("x", 0, 0)]], "kwargs": {}},
        ),
        (layer("Own"), ["x", 0, 0, {}], {"args": [_tensor("x", 0, 0)], "kwargs": {}}),
    ],
)  # fmt: skip
def test_calls_that_keras_3_can_not_read_are_written_anew(
    item: Json, node: Any, call: Json
) -> None:
    (upgraded,) = _calls(called(item, calls=[node]))

    assert upgraded == call


def test_plain_arguments_stay_in_the_old_form() -> None:
    calls = _calls(called(layer("Dropout", rate=0.5), calls=[[["x", 0, 0, {"training": False}]]]))

    assert calls == [[["x", 0, 0, {"training": False}]]]


def test_references_of_keras_1_are_shorter() -> None:
    assert _calls(called(dense(), calls=[[["x", 0, 0]]]), "1.2.2") == [[["x", 0, 0, {}]]]


def test_constants_of_a_recurrent_layer_are_an_error() -> None:
    item = layer("RNN", cell=layer("GRUCell", units=4), num_constants=1)

    with pytest.raises(ValueError, match="'y' is called with constants"):
        upgrade(called(item, SEQUENCE, [[["x", 0, 0, {}], ["x", 0, 0, {}]]]), "2.4.0")


@pytest.mark.parametrize("config", [{}, {"layers": 7}, []])
def test_a_functional_model_without_layers_is_an_error(config: Any) -> None:
    with pytest.raises(ValueError, match="subclassed"):
        upgrade({"class_name": "Model", "config": config}, "2.4.0")
