"""An ONNX version: verified before it is loaded, warmed, and clear about what it can't compute."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from service.base.compiled import ONNX_FILE, Compiled
from service.base.errors import TensorInvalid
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, TensorSpec
from service.runtime.onnx import OnnxVersion


def compiled_in(folder: Path, inner: int | None = 2) -> Compiled:
    """A compiled folder with y = x @ ones(2, 1)."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [1.0, 1.0])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, inner])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / ONNX_FILE)
    digest = hashlib.sha256((folder / ONNX_FILE).read_bytes()).hexdigest()
    signature = Signature(
        (TensorSpec("x", "float32", (None, inner)),), (TensorSpec("y", "float32", (None, 1)),)
    )
    return Compiled("k", "onnx", signature, {ONNX_FILE: digest}, "h5", "3", 2, 0.0, (), 0.1)


def test_it_answers_by_name_and_knows_its_cost(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, compiled_in(tmp_path))
    answer = version.run({"x": np.array([[1, 2], [3, 4]], "float32")})
    assert answer["y"].tolist() == [[3.0], [7.0]]
    assert 0 < version.row_cost_s < 1


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    compiled = compiled_in(tmp_path)
    content = bytearray((tmp_path / ONNX_FILE).read_bytes())
    content[-20] ^= 1
    (tmp_path / ONNX_FILE).write_bytes(content)
    with pytest.raises(ArtefactCorrupt, match="sha256"):
        OnnxVersion(tmp_path, compiled)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    compiled = compiled_in(tmp_path)
    (tmp_path / ONNX_FILE).write_bytes(b"nothing")
    digest = hashlib.sha256(b"nothing").hexdigest()
    broken = Compiled(
        "k", "onnx", compiled.signature, {ONNX_FILE: digest}, "h5", "3", 2, 0.0, (), 0.1
    )
    with pytest.raises(ArtefactCorrupt):
        OnnxVersion(tmp_path, broken)


def test_a_length_that_the_graph_cannot_take_is_the_clients_error(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, compiled_in(tmp_path, inner=None))
    with pytest.raises(TensorInvalid, match="inputs: expected values that the model can compute"):
        version.run({"x": np.ones((1, 5), "float32")})
