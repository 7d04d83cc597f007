"""Sequential models of every era have an input in the end."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential, tiny
from tests.loading.upgrade.examples import INPUT, SEQUENCE, called, dense, functional, named


def _layers(model: Json, version: str = "2.4.0") -> list[Json]:
    layers: list[Json] = upgrade(model, version).config["config"]["layers"]
    return layers


def test_the_input_shape_moves_into_the_input_layer() -> None:
    first, _ = _layers(tiny())

    assert first["config"] == {"name": "x", "dtype": "float32", "batch_shape": [None, 4]}


def test_a_missing_input_layer_is_made_of_the_first_layer() -> None:
    item = layer("Dense", name="d", units=3, batch_input_shape=[None, 4], dtype="float64")

    first, second = _layers(sequential(item), "2.2.4")

    assert first["class_name"] == "InputLayer"
    assert first["config"] == {"batch_shape": [None, 4], "dtype": "float64", "name": "d_input"}
    assert second["config"] == {"name": "d", "units": 3, "dtype": "float64"}


def _built(shape: list[int | None], *layers: Json) -> Json:
    return {"class_name": "Sequential", "config": {"layers": [*layers], "build_input_shape": shape}}


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (sequential(layer("Dense", name="d", units=3, input_dim=4)), [None, 4]),
        (sequential(sequential(tiny()["config"]["layers"][0])), [None, 4]),
        (sequential(called(dense())), [None, 5, 4]),
        (sequential(layer("Dense", units=3, input_shape=[4])), [None, 4]),
        (sequential(layer("Embedding", input_dim=9, output_dim=2, input_length=7)), [None, 7]),
        (sequential(layer("Embedding", input_dim=9, output_dim=2)), [None, None]),
        (sequential(layer("LSTM", units=3, input_dim=4, input_length=6)), [None, 6, 4]),
        (sequential(layer("Convolution1D", nb_filter=3, input_dim=4)), [None, None, 4]),
        (sequential(layer("Bidirectional", layer=layer("LSTM", batch_input_shape=[None, 6, 4]))),
         [None, 6, 4]),
        (_built([32, 7], layer("Dense")), [None, 7]),
        (_built([None, 7], layer("Embedding", input_dim=9, output_dim=2)), [None, 7]),
        (sequential(_built([None, 7], layer("Dense"))), [None, 7]),
    ],
)  # fmt: skip
def test_the_input_shape_is_found_wherever_it_stands(model: Json, shape: list[Any]) -> None:
    assert _layers(model, "2.2.4")[0]["config"]["batch_shape"] == shape


@pytest.mark.parametrize(
    ("settings", "dtype"),
    [
        ({"input_dtype": "int32"}, "int32"),
        ({"dtype": layer("Policy", name="mixed_float16")}, "float32"),
        ({"dtype": layer("Policy", name="float64")}, "float64"),
        ({}, "float32"),
    ],
)
def test_the_input_is_of_the_type_that_the_first_layer_takes(settings: Json, dtype: str) -> None:
    item = layer("Embedding", input_dim=9, output_dim=2, input_length=7, **settings)

    assert _layers(sequential(item), "1.2.2")[0]["config"]["dtype"] == dtype


def test_an_input_shape_that_stands_nowhere_is_an_error() -> None:
    with pytest.raises(ValueError, match="says nowhere what shape"):
        upgrade(sequential(layer("Dense", name="d", units=3)), "2.4.0")


def test_a_nested_model_without_a_shape_is_built_when_it_is_called() -> None:
    inner = {**sequential(dense()), "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]]}
    model = functional(named(INPUT, []), inner, output="inner")

    _, nested = _layers(model)

    assert [item["class_name"] for item in nested["config"]["layers"]] == ["Dense"]


def test_shapes_in_the_middle_are_dropped() -> None:
    model = sequential(INPUT, dense(batch_input_shape=[None, 1, 5, 17]))

    assert "batch_input_shape" not in _layers(model)[1]["config"]


def test_a_sequential_of_keras_1_is_a_list() -> None:
    model = {"class_name": "Sequential", "config": tiny()["config"]["layers"]}

    upgraded = upgrade(model, "1.2.2")

    assert upgraded.config["config"]["name"] == "sequential"
    assert len(upgraded.config["config"]["layers"]) == 2
    assert "sequential_list" in upgraded.rules


def test_a_nested_list_keeps_the_name_by_which_it_is_called() -> None:
    inner: Json = {"class_name": "Sequential", "config": [INPUT, dense()]}
    inner |= {"name": "inner", "inbound_nodes": [[["x", 0, 0]]]}
    model = functional(named(SEQUENCE, []), inner, output="inner")

    assert _layers(model, "2.1.0")[1]["config"]["name"] == "inner"


@pytest.mark.parametrize("config", [[], {"layers": []}, {"layers": 7}, {}])
def test_a_sequential_without_layers_is_an_error(config: Any) -> None:
    with pytest.raises(ValueError, match="no layers"):
        upgrade({"class_name": "Sequential", "config": config}, "2.4.0")
