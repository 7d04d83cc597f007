"""Compiled folders with small real ONNX models, one for each trait that a test needs."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from service.base.compiled import ONNX_FILE, Compiled
from service.base.golden import GOLDEN_FILE, pack_golden
from service.base.signature import Signature, TensorSpec

FLOAT = TensorProto.FLOAT
OPSET = [helper.make_opsetid("", 18)]


def summing(folder: Path, inner: int | None = 2) -> Compiled:
    """y = x @ ones(2, 1)."""
    weights = helper.make_tensor("w", FLOAT, [2, 1], [1.0, 1.0])
    return _publish(folder, [helper.make_node("MatMul", ["x", "w"], ["y"])], [weights], inner)


def centring(folder: Path) -> Compiled:
    """y = the row's sum less the mean over the batch: an answer depends on the rows beside it."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "one"], ["s"], keepdims=1),
        helper.make_node("ReduceMean", ["s", "zero"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["s", "mean"], ["y"]),
    ]
    axes = [
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
    ]
    return _publish(folder, nodes, axes)


def looping(folder: Path) -> Compiled:
    """y = x[0] added up x[1] times: as long a run as one asks for, ended between two operators."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["sum", "first"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("Gather", ["x", "zero"], ["first"], axis=1),
        helper.make_node("Gather", ["x", "one"], ["second"], axis=1),
        helper.make_node("ReduceMax", ["second"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["turns"], to=TensorProto.INT64),
        helper.make_node("Loop", ["turns", "yes", "first"], ["y"], body=body),
    ]
    constants = [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
    ]
    return _publish(folder, nodes, constants)


def bulky(folder: Path) -> Compiled:
    """y = x[1] zeros added up, which takes the memory for them."""
    nodes = [
        helper.make_node("Gather", ["x", "one"], ["second"], axis=1),
        helper.make_node("ReduceMax", ["second"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["count"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["count", "one"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["second", "sum"], ["y"]),
    ]
    return _publish(folder, nodes, [helper.make_tensor("one", TensorProto.INT64, [1], [1])])


def with_golden(folder: Path, compiled: Compiled, inputs: np.ndarray, want: np.ndarray) -> Compiled:
    """The same with golden values beside it."""
    content = pack_golden([inputs], [want])
    assert content is not None
    (folder / GOLDEN_FILE).write_bytes(content)
    files = {**compiled.files, GOLDEN_FILE: hashlib.sha256(content).hexdigest()}
    return record(compiled.signature, files)


def record(signature: Signature, files: dict[str, str]) -> Compiled:
    """What the compiler would have written down."""
    return Compiled("k", "onnx", signature, files, "h5", "3", 2, 0.0, (), 0.1)


def _publish(
    folder: Path,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    inner: int | None = 2,
) -> Compiled:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, [None, inner])],
        [helper.make_tensor_value_info("y", FLOAT, [None, 1])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=OPSET, ir_version=9), folder / ONNX_FILE)
    digest = hashlib.sha256((folder / ONNX_FILE).read_bytes()).hexdigest()
    signature = Signature(
        (TensorSpec("x", "float32", (None, inner)),), (TensorSpec("y", "float32", (None, 1)),)
    )
    return record(signature, {ONNX_FILE: digest})
