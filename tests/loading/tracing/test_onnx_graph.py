"""What is done on a converted graph: its ends get names, and erfc is made of erf."""

import math

import numpy as np
import onnxruntime
import pytest

from service.base.signature import Signature, TensorSpec

pytestmark = pytest.mark.slow

X = np.linspace(-3, 3, 7, dtype="float32")
SIGNATURE = Signature(
    (TensorSpec("question", "float32", (None,)),), (TensorSpec("answer", "float32", (None,)),)
)


def _model(*nodes: object) -> object:
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    graph = helper.make_graph(list(nodes), "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_erfc_becomes_one_minus_erf() -> None:
    from onnx import helper

    from service.loading.tracing.onnx_graph import name_ends, replace_erfc

    model = _model(helper.make_node("Erfc", ["x"], ["z"]), helper.make_node("Neg", ["z"], ["y"]))

    replace_erfc(model.graph)  # type: ignore[attr-defined]
    name_ends(model.graph, SIGNATURE)  # type: ignore[attr-defined]

    session = onnxruntime.InferenceSession(model.SerializeToString())  # type: ignore[attr-defined]
    (got,) = session.run(["answer"], {"question": X})
    np.testing.assert_allclose(got, [-math.erfc(value) for value in X], atol=1e-6)


def test_a_model_with_exact_gelu_is_converted() -> None:
    import keras

    from service.loading.tracing.onnx_file import convert
    from service.loading.tracing.trace import TracedModel

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="gelu")])

    assert convert(TracedModel(model)).max_relative_error < 1e-5
