"""Small ONNX graphs that are written down node by node."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
OPSET = 18
Shape = Sequence[int | None]

CONSTANTS = {
    "first": np.array([0]),
    "last": np.array([-1]),
    "one": np.array([1]),
    "two": np.array([2]),
    "zero": np.array(0),
    "end": np.array([2**31 - 1]),
    "three": np.array([3]),
    "pair": np.array([-1, 2]),
    "whole": np.array([0, -1]),
    "across": np.array([3, -1]),
    "weights": np.ones((4, 2), "float32"),
    "square": np.ones((4, 4), "float32"),
    "bias": np.ones((1, 4), "float32"),
    "table": np.ones((9, 5), "float32"),
    "filter": np.ones((2, 4, 1), "float32"),
    "half": np.array(0.5, "float32"),
    "yes": np.array(True),
    "gates": np.ones((1, 8, 4), "float32"),
    "states": np.ones((1, 8, 2), "float32"),
    "around": np.array([0, 0, 1, 0, 0, 1]),
    "above": np.array([1, 0, 0, 0, 0, 0]),
    "depth": np.array(4),
    "on_off": np.array([0, 1], "float32"),
    "doubled": np.array([1, 1, 2], "float32"),
    "many": np.array([2, 1, 1], "float32"),
}


def node(operation: str, inputs: str, outputs: str = "y", **attributes: Any) -> NodeProto:
    """One node; names are separated by blanks, `_` is an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(operation, names, outputs.split(), **attributes)


def model(
    nodes: Sequence[NodeProto], shape: Shape = (None, 3, 4), opset: int = OPSET, kind: int = FLOAT
) -> Any:
    """A model of `x` in that shape and of a second input `z` of the same, with all constants."""
    ends = [helper.make_tensor_value_info(name, kind, shape) for name in "xz"]
    result = helper.make_tensor_value_info("y", FLOAT, None)
    constants = [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()]
    graph = helper.make_graph(list(nodes), "graph", ends, [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def loop(turns: str, body: Sequence[NodeProto], goes_on: str = "go") -> NodeProto:
    """A loop that carries `state`, `x` at first; each turn leaves `next` and gathers `seen`."""
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(body),
        "body",
        [
            values("turn", TensorProto.INT64, []),
            values("go", TensorProto.BOOL, []),
            values("state", FLOAT, None),
        ],
        [values(goes_on, TensorProto.BOOL, []), values("next", FLOAT, None)],
    )
    return helper.make_node("Loop", [turns, "yes", "x"], ["y"], body=graph)


def branch(condition: str, yes: NodeProto, no: NodeProto) -> NodeProto:
    """A choice between two nodes, each of which leaves `chosen`."""
    result = helper.make_tensor_value_info("chosen", FLOAT, None)
    graphs = [helper.make_graph([each], "branch", [], [result]) for each in (yes, no)]
    return helper.make_node("If", [condition], ["y"], then_branch=graphs[0], else_branch=graphs[1])
