"""A worker that holds several versions of a model, real small ONNX ones, directed by the test."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from service.base.compiled import ONNX_FILE, Compiled
from service.base.database import open_database
from service.base.settings import Settings
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.runtime.directions import Directions
from service.runtime.onnx import OnnxVersion
from service.runtime.slot import Slot
from service.runtime.version import LoadedVersion
from service.web.exchange import Identity
from service.web.process import WebProcess
from tests.databases import migrate
from tests.runtime.models import record

WIDTH = 2
BODY = {"instances": [[1.0, 2.0]]}
INFER = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}]}


def times(folder: Path, factor: float) -> OnnxVersion:
    """y = factor * x: no decisions."""
    return _load(folder, "Mul", [factor, factor], "")


def leaning(folder: Path, lead: float) -> OnnxVersion:
    """Two classes; the first one wins where x[0] + lead > x[1]."""
    return _load(folder, "Add", [lead, 0.0], "softmax")


@contextmanager
def worker(
    folder: Path, model: str, versions: Mapping[int, LoadedVersion], **settings: Any
) -> Iterator[WebProcess]:
    """A worker with these versions, the first of them current; nothing of it runs by itself."""
    read = Settings(state_dir=folder, repository=folder, load_wait_s=0.05, **settings)
    engine = open_database(read.database)
    migrate(engine)
    engine.dispose()
    process = WebProcess(read)
    process.pool.expect({model: {}})
    for version, loaded in versions.items():
        identity = Identity(model, version, "f" * 64)
        served = process.serve(identity, loaded, ModelConfig())
        process.pool.put(Slot(model, version, str(version), served, 0.0))
    direct(process, model, min(versions))
    try:
        yield process
    finally:
        process.close()


def direct(process: WebProcess, model: str, current: int | None, **more: Any) -> None:
    """Give the model its next directions."""
    before = process.pool.directions(model)
    revision = 0 if before is None else before.revision + 1
    process.pool.direct({model: Directions(revision, current, **more)})


def _load(folder: Path, operator: str, constant: list[float], activation: str) -> OnnxVersion:
    graph = helper.make_graph(
        [
            helper.make_node(operator, ["x", "c"], ["z"]),
            helper.make_node("Softmax" if activation else "Identity", ["z"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor("c", TensorProto.FLOAT, [WIDTH], constant)],
    )
    opset = [helper.make_opsetid("", 18)]
    path = folder / ONNX_FILE
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    shape = (None, WIDTH)
    signature = Signature(
        (TensorSpec("x", "float32", shape),),
        (TensorSpec("y", "float32", shape, activation=activation),),
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    compiled: Compiled = record(signature, {ONNX_FILE: digest})
    return OnnxVersion(folder, compiled)
