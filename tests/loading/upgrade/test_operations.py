"""Functions of TensorFlow in a graph become operations of Keras, or an error names them."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from service.loading.upgrade.operations import OPERATIONS, SYNONYMS
from tests.loading.handmade import layer
from tests.loading.upgrade.examples import called


def _called(function: str, *nodes: Any, class_name: str = "TFOpLambda") -> Json:
    return called(layer(class_name, function=function, dtype="float32"), calls=list(nodes))


def _upgraded(function: str, *nodes: Any, class_name: str = "TFOpLambda") -> Any:
    model = _called(function, *nodes, class_name=class_name)
    return upgrade(model, "2.8.0").config["config"]["layers"][1]


def _tensor(name: str = "x") -> Json:
    config = {"shape": [], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


@pytest.mark.parametrize(
    ("function", "node", "class_name", "settings", "args"),
    [
        ("math.multiply", ["x", 0, 0, {"y": 2, "name": None}], "Multiply", {}, [_tensor(), 2]),
        ("tf.math.multiply", ["x", 0, 0, {"y": ["x", 0, 0]}], "Multiply", {}, [_tensor()] * 2),
        (
            "math.subtract",
            ["_CONSTANT_VALUE", -1, 2.0, {"y": ["x", 0, 0], "name": None}],
            "Subtract",
            {},
            [2.0, _tensor()],
        ),
        (
            "math.add",
            ["x", 0, 0, {"y": [1.0, 2]}],
            "Add",
            {},
            [_tensor(), {"class_name": "__numpy__",
                         "config": {"value": [1.0, 2], "dtype": "float32"}}],
        ),
        (
            "concat",
            [["x", 0, 0, {"axis": -1}], ["x", 0, 0, {"axis": -1}]],
            "Concatenate",
            {"axis": -1},
            [[_tensor(), _tensor()]],
        ),
        ("math.reduce_mean", ["x", 0, 0, {"axis": 1, "keepdims": True}], "Mean",
         {"axis": 1, "keepdims": True}, [_tensor()]),
        ("compat.v1.transpose", ["x", 0, 0, {"perm": [0, 2, 1], "conjugate": False}], "Transpose",
         {"axes": [0, 2, 1]}, [_tensor()]),
        ("nn.gelu", ["x", 0, 0, {}], "Gelu", {"approximate": False}, [_tensor()]),
        ("split", ["x", 0, 0, {"num_or_size_splits": [1, 3, 2], "axis": 1}], "Split",
         {"indices_or_sections": [1, 4], "axis": 1}, [_tensor()]),
    ],
)  # fmt: skip
def test_a_function_is_an_operation(
    function: str, node: Any, class_name: str, settings: Json, args: list[Any]
) -> None:
    found = _upgraded(function, node)

    assert found["module"].startswith("keras.src.ops.")
    assert found["class_name"] == class_name
    assert found["config"] == {"name": "y", **settings}
    assert found["inbound_nodes"] == [{"args": args, "kwargs": {}}]


def _slice(start: int | None, stop: int | None, step: int | None = None) -> Json:
    return {"start": start, "stop": stop, "step": step}


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (0, 0),
        ([_slice(None, None), -1],
         [{"class_name": "__slice__", "config": _slice(None, None)}, -1]),
        ([{"class_name": "__ellipsis__"}, _slice(1, 3)],
         [{"class_name": "__ellipsis__", "config": {}},
          {"class_name": "__slice__", "config": _slice(1, 3)}]),
        ([_slice(None, None), None],
         [{"class_name": "__slice__", "config": _slice(None, None)}, None]),
    ],
)  # fmt: skip
def test_brackets_are_an_operation(spec: Any, key: Any) -> None:
    node = ["x", 0, 0, {"slice_spec": spec}]

    found = _upgraded("__operators__.getitem", node, class_name="SlicingOpLambda")

    assert found["class_name"] == "GetItem"
    assert found["inbound_nodes"] == [{"args": [_tensor(), key], "kwargs": {}}]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (_called("math.top_k", ["x", 0, 0, {"k": 2}]),
         "layer 'y' is TensorFlow's function math.top_k"),
        (_called("linalg.matmul", ["x", 0, 0, {"b": ["x", 0, 0], "transpose_b": True}]),
         "calls TensorFlow's linalg.matmul with transpose_b"),
        (_called("reshape", ["x", 0, 0, {"shape": [["x", 0, 0], 4]}]),
         "calls TensorFlow's reshape with shape"),
        (_called("expand_dims", ["x", 0, 0, {"axis": 1}], ["x", 0, 0, {"axis": 2}]),
         "'y' is called in several ways"),
        (_called("__operators__.getitem", ["x", 0, 0, {"slice_spec": [["x", 0, 0]]}],
                 class_name="SlicingOpLambda"),
         "a part of a tensor that another tensor chooses"),
    ],
)  # fmt: skip
def test_what_has_no_equal_is_an_error_that_names_it(model: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        upgrade(model, "2.8.0")


def test_synonyms_lead_to_operations() -> None:
    assert set(SYNONYMS.values()) <= OPERATIONS.keys()
    assert not SYNONYMS.keys() & OPERATIONS.keys()
