"""Which graphs prove that a row keeps to itself, operation by operation, and which don't."""

import numpy as np
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto

from service.loading.tracing.row_mixing import find_mixing
from tests.loading.tracing.row_graphs import Shape, branch, loop, model, node

Nodes = list[NodeProto]
COUNT = [node("Shape", "x", "shape"), node("Gather", "shape first", "count")]
TO_TIME = node("Transpose", "x", "t", perm=[1, 0, 2])

APART: dict[str, Nodes] = {
    "each element": [node("Relu", "x")],
    "two inputs": [node("Add", "x z")],
    "weights": [node("MatMul", "x weights")],
    "bias": [node("Add", "x bias")],
    "softmax": [node("Softmax", "x", axis=-1)],
    "mean": [node("ReduceMean", "x one", keepdims=0)],
    "normalised": [node("LayerNormalization", "x half")],
    "convolution": [TO_TIME, node("Transpose", "x", "c", perm=[0, 2, 1]), node("Conv", "c filter")],
    "flattened": [node("Flatten", "x")],
    "reshaped": [node("Reshape", "x whole")],
    "regrouped and back": [
        node("Reshape", "x pair", "r"),
        node("Relu", "r", "s"),
        node("Shape", "x", "shape"),
        node("Reshape", "s shape"),
    ],
    "to a counted shape": [*COUNT, node("Concat", "count last", "to", axis=0),
                           node("Reshape", "x to")],
    "there and back": [TO_TIME, node("Softmax", "t", "s", axis=0),
                       node("Transpose", "s", perm=[1, 0, 2])],
    "beside one another": [node("Concat", "x z", axis=1)],
    "a slice": [node("Slice", "x first one two")],
    "a whole slice": [node("Slice", "x first end first")],
    "a place": [node("Gather", "x zero", axis=1)],
    "padded": [node("Pad", "x around")],
    "resized": [node("Resize", "x _ doubled")],
    "split": [node("Split", "x", "y b", axis=1, num_outputs=2)],
    "sorted": [node("TopK", "x two", "y places")],
    "looked up": [node("ArgMax", "x", "i", axis=2, keepdims=0), node("Gather", "table i")],
    "one hot": [node("ArgMax", "x", "i", axis=2, keepdims=0), node("OneHot", "i depth on_off")],
    "attention": [node("Transpose", "z", "t", perm=[0, 2, 1]), node("MatMul", "x t")],
    "equation": [node("Einsum", "x z", equation="bij,bkj->bik")],
    "zeros for each": [
        *COUNT,
        node("Concat", "count three one", "to", axis=0),
        node("Expand", "half to", "zeros"),
        node("Mul", "x zeros"),
    ],
    "recurrent": [
        TO_TIME,
        node("LSTM", "t gates states", "all y_h", hidden_size=2),
        node("Squeeze", "y_h first"),
    ],
    "reversed": [
        *COUNT,
        node("Expand", "three count", "lengths"),
        node("ReverseSequence", "x lengths", batch_axis=0, time_axis=1),
    ],
    "loop": [loop("depth", [node("Add", "state x", "next")])],
    "branch": [branch("yes", node("Relu", "x", "chosen"), node("Neg", "x", "chosen"))],
}  # fmt: skip
MIXED: dict[str, tuple[Nodes, str]] = {
    "mean over rows": (
        [node("ReduceMean", "x first", "m"), node("Sub", "x m")],
        "ReduceMean 'm' runs over the rows",
    ),
    "mean over all": ([node("ReduceMean", "x", "m"), node("Sub", "x m")], "runs over the rows"),
    "softmax": ([node("Softmax", "x", axis=0)], "Softmax 'y' runs over the rows"),
    "turned softmax": ([TO_TIME, node("Softmax", "t", "s", axis=1),
                        node("Transpose", "s", perm=[1, 0, 2])], "runs over"),
    "sum so far": ([node("CumSum", "x zero")], "runs over the rows"),
    "sorted": ([node("TopK", "x two", "y places", axis=0)], "runs over"),
    "largest": ([node("ArgMax", "x")], "runs over the rows"),
    "rolled": (
        [node("Slice", "x last end first", "a"), node("Slice", "x first last first", "b"),
         node("Concat", "a b", axis=0)],
        "takes some of the rows",
    ),
    "behind one another": ([node("Concat", "x z", axis=0)], "puts rows behind one another"),
    "the first row": ([node("Gather", "x zero", "f"), node("Sub", "x f")], "takes some"),
    "by the row": ([node("Einsum", "x z", equation="abc,dbc->adb")], "multiplies rows by rows"),
    "summed by an equation": ([node("Einsum", "x z", equation="abc,abd->cd")], "sums over"),
    "across": ([node("Reshape", "x across")], "otherwise than by rows"),
    "rows to the end": ([node("Transpose", "x", "t", perm=[1, 2, 0]),
                         node("Reshape", "t pair")], "otherwise than by rows"),
    "left turned": ([node("Transpose", "x", perm=[1, 0, 2])], "output 'y' has no axis"),
    "padded": ([node("Pad", "x above")], "pads the rows"),
    "resized": ([node("Resize", "x _ many")], "resizes the rows"),
    "divided by the count": (
        [*COUNT, node("Cast", "count", "c", to=TensorProto.FLOAT), node("Div", "x c")],
        "depends on the number of rows",
    ),
    "by place": (
        [*COUNT, node("Squeeze", "count first", "n"),
         node("Range", "zero n depth", "r"), node("Cast", "r", "f", to=1), node("Add", "x f")],
        "depends on the number of rows",
    ),
    "as many as the count": (
        [*COUNT, node("Concat", "one count one one", "to", axis=0),
         node("Unsqueeze", "x one", "u"), node("Expand", "u to")],
        "as long as the rows",
    ),
    "a lonely row is squeezed": ([node("Squeeze", "x")], "drops the axis of the rows"),
    "recurrent": ([node("LSTM", "x gates states", "y", hidden_size=2)], "runs over the rows"),
    "turns by rows": (
        [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "n", to=7),
         loop("n", [node("Add", "state x", "next")])],
        "runs over the rows",
    ),
    "turns by count": (
        [*COUNT, loop("count", [node("Add", "state x", "next")])],
        "has as many turns as the rows say",
    ),
    "in a loop": (
        [loop("depth", [node("ReduceMean", "state first", "m"), node("Sub", "x m", "next")])],
        "ReduceMean 'm' runs over the rows",
    ),
    "in a branch": (
        [branch("yes", node("Relu", "x", "chosen"), node("Softmax", "x", "chosen", axis=0))],
        "Softmax 'chosen'",
    ),
    "unknown": ([node("Unique", "x", "y")], "isn't known to keep rows apart"),
    "random": ([node("RandomUniformLike", "x")], "isn't known"),
    "no row at all": ([node("Identity", "bias")], "no axis for the rows"),
    "against the rules": ([node("Transpose", "x", perm=[1, 2])], "isn't understood"),
}  # fmt: skip


@pytest.mark.parametrize("nodes", APART.values(), ids=APART.keys())
def test_rows_are_kept_apart(nodes: Nodes) -> None:
    graph = model(nodes)

    assert find_mixing(graph) == ""

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    x, z = np.random.default_rng(5).standard_normal((2, 5, 3, 4)).astype("float32")
    (together,) = session.run(["y"], {"x": x, "z": z})
    for row in range(5):
        (alone,) = session.run(["y"], {"x": x[row : row + 1], "z": z[row : row + 1]})
        np.testing.assert_allclose(together[row : row + 1], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("nodes", "why"), MIXED.values(), ids=MIXED.keys())
def test_what_may_mix_is_told_with_its_place(nodes: Nodes, why: str) -> None:
    assert why in find_mixing(model(nodes))


@pytest.mark.parametrize(
    ("nodes", "shape", "why"),
    [
        ([node("MatMul", "x t")], (None, 4), "multiplies rows by rows"),
        ([node("MatMul", "t x")], (None, 4), "sums over the rows"),
        ([node("Gemm", "x z", transB=1)], (None, 4), "multiplies by rows"),
        ([node("Add", "x t")], (None, 4), "combines rows with other rows"),
        ([node("Add", "x square")], (None, 4), "treats rows by their place"),
        ([node("Identity", "x")], (None, 4), ""),
        ([node("Gemm", "x weights")], (None, 4), ""),
        ([node("Neg", "x")], (7, 4), "input 'x' has no free axis for the rows"),
        ([node("Neg", "x")], (), "input 'x' has no free axis for the rows"),
    ],
)
def test_matrices(nodes: Nodes, shape: Shape, why: str) -> None:
    turned = [node("Transpose", "z", "t")] if len(shape) == 2 else []
    found = find_mixing(model([*turned, *nodes], shape))
    assert why in found
    assert bool(why) == bool(found)


def test_lengths_that_are_free_are_followed_too() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Slice", "shape first two first", "outer"),
        node("ReduceProd", "outer first", "rows"),
        node("Concat", "rows last", "to", axis=0),
        node("Reshape", "x to", "flat"),
        node("Relu", "flat", "r"),
        node("Reshape", "r shape"),
    ]
    assert find_mixing(model(nodes, (None, None, 4))) == ""


def test_an_old_opset_is_not_examined() -> None:
    assert "opset 12" in find_mixing(model([node("Softmax", "x")], opset=12))
