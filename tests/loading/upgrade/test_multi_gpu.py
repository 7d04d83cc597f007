"""Only exactly what multi_gpu_model made is taken apart; the code in it is never run."""

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.multi_gpu import unwrap_multi_gpu
from tests.loading.handmade import layer, tiny
from tests.loading.upgrade.examples import INPUT, called, dense, multi_gpu, named


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_the_inner_model_is_found(parts: int) -> None:
    model = {**multi_gpu(parts), "keras_version": "2.2.2", "backend": "tensorflow"}
    before = copy.deepcopy(model)

    inner = unwrap_multi_gpu(model)

    assert inner == {
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [INPUT, dense()]},
        "keras_version": "2.2.2",
        "backend": "tensorflow",
    }
    assert model == before


def _two_of_each() -> Json:
    """Two inputs and two outputs over two parts."""
    model = multi_gpu()
    layers = model["config"]["layers"]
    second = copy.deepcopy(layers[:3])
    for item in second:
        item["name"] = item["config"]["name"] = f"{item['name']}_b"
        for node in item["inbound_nodes"]:
            node[0][0] = "x_b"
    for part, node in enumerate(layers[3]["inbound_nodes"]):
        node.append([f"part_{part}_b", 0, 0, {}])
    other = named(
        layer("Concatenate", name="z", axis=0), [[["inner", 1, 1, {}], ["inner", 2, 1, {}]]]
    )
    layers += [*second, other]
    model["config"]["input_layers"].append(["x_b", 0, 0])
    model["config"]["output_layers"].append(["z", 0, 0])
    return model


def test_several_inputs_and_outputs_are_the_same_pattern() -> None:
    assert unwrap_multi_gpu(_two_of_each()) is not None


def test_inputs_in_another_order_are_not() -> None:
    model = _two_of_each()
    model["config"]["input_layers"].reverse()

    assert unwrap_multi_gpu(model) is None


def _layer(model: Json, name: str) -> Any:
    return next(item for item in model["config"]["layers"] if item["name"] == name)


def _set(name: str, **settings: Any) -> Callable[[Json], None]:
    return lambda model: _layer(model, name)["config"].update(settings)


def _call(name: str, nodes: Any) -> Callable[[Json], None]:
    return lambda model: _layer(model, name).update(inbound_nodes=nodes)


def _add(item: Json) -> Callable[[Json], None]:
    return lambda model: model["config"]["layers"].append(item)


def _code(code: bytes) -> list[Any]:
    return [base64.b64encode(code).decode(), None, None]


@pytest.mark.parametrize(
    "change",
    [
        _set("part_0", arguments={"i": 1, "parts": 2}),
        _set("part_0", arguments={"i": 0, "parts": 3}),
        _set("part_0", arguments={"i": 0, "parts": 2, "more": 1}),
        _set("part_0", arguments=None),
        _set("part_0", function=_code(b"get_slice multi_gpu_utils and more")),
        _set("part_0", function_type="function"),
        _set("y", axis=1),
        _call("part_0", [[["x", 0, 0, {}], ["x", 0, 0, {}]]]),
        _call("part_0", [[["inner", 0, 0, {}]]]),
        _call("inner", [[["part_0", 0, 0, {}]]]),
        _call("inner", [[["part_1", 0, 0, {}]], [["part_0", 0, 0, {}]]]),
        _call("inner", [[["x", 0, 0, {}]], [["x", 0, 0, {}]]]),
        _call("y", [[["inner", 2, 0, {}], ["inner", 1, 0, {}]]]),
        _call("y", [[["inner", 1, 0, {}], ["inner", 1, 0, {}]]]),
        _call("y", [[["inner", 1, 0, {}], ["inner", 2, 1, {}]]]),
        _call("y", [[["inner", 1, 0, {}]]]),
        _call("y", []),
        _add(named(dense(name="z"), [[["x", 0, 0, {}]]])),
        _add(named(layer("Lambda", name="z"), [[["x", 0, 0, {}]]])),
        _add({**tiny(), "name": "z", "inbound_nodes": []}),
        _add(named(layer("Concatenate", name="z", axis=0), [[["inner", 1, 0, {}]] * 2])),
        _add(named(layer("InputLayer", name="z"), [])),
        lambda model: model["config"].update(output_layers=[["inner", 1, 0]]),
        lambda model: model["config"].update(output_layers=[]),
        lambda model: model.update(class_name="Sequential"),
        lambda model: model.update(config=[]),
        lambda model: model.pop("config"),
    ],
)
def test_anything_else_stays_as_it_is(change: Callable[[Json], Any]) -> None:
    model = multi_gpu()
    change(model)

    assert unwrap_multi_gpu(model) is None


@pytest.mark.parametrize(
    "function",
    [
        _code(b"get_slice"),
        ["no base64!", None, None],
        [*_code(b"get_slice multi_gpu_utils")[:1], [1], None],
        [7, None, None],
        "get_slice multi_gpu_utils",
    ],
)
def test_other_code_is_not_the_pattern(function: Any) -> None:
    model = multi_gpu()
    for name in ("part_0", "part_1"):
        _layer(model, name)["config"]["function"] = function

    assert unwrap_multi_gpu(model) is None


@pytest.mark.parametrize(
    "model", [tiny(), called(dense()), {}, {"class_name": "Model", "config": 7}]
)
def test_ordinary_models_are_not(model: Json) -> None:
    assert unwrap_multi_gpu(model) is None
