"""Compiled versions that copy or add up what they are given, files of rows, and runs over them."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper

from service.base.compiled import ONNX_FILE
from service.base.signature import Signature, TensorSpec
from service.recipe.batch import BatchOptions, Shard
from service.repository.model_config import ModelConfig
from service.training.batch.run import BatchOrder, Progress, Subject, run_batch
from tests.runtime.models import FLOAT, OPSET, record

LABELS = ("ant", "bee", "cat")
CLASSES = ModelConfig(task="multiclass", labels=LABELS)
REGRESSION = ModelConfig(task="regression")

Shape = Sequence[int | None]


def copying(folder: Path, width: int = 3, rows: int | None = None) -> Path:
    """y = x, so that a row's scores are its features."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return write_version(folder, nodes, {"x": (rows, width)}, {"y": (rows, width)})


def adding(folder: Path, inputs: dict[str, Shape], axes: Sequence[int] = (1,)) -> Path:
    """y = the sum of all numbers of a row."""
    nodes, constants = [], []
    for name in inputs:
        constants.append(helper.make_tensor(f"{name}_axes", TensorProto.INT64, [len(axes)], axes))
        nodes.append(
            helper.make_node("ReduceSum", [name, f"{name}_axes"], [f"{name}_sum"], keepdims=0)
        )
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    nodes.append(helper.make_node("Sum", [f"{name}_sum" for name in inputs], ["all"]))
    nodes.append(helper.make_node("Unsqueeze", ["all", "one"], ["y"]))
    return write_version(folder, nodes, inputs, {"y": (None, 1)}, [*constants, one])


def write_version(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    constants: Sequence[onnx.TensorProto] = (),
) -> Path:
    """A compiled folder with this graph of floats."""
    folder.mkdir(parents=True)

    def told(shapes: dict[str, Shape]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, FLOAT, list(s)) for n, s in shapes.items()]

    graph = helper.make_graph(list(nodes), "graph", told(inputs), told(outputs), list(constants))
    onnx.save(helper.make_model(graph, opset_imports=OPSET, ir_version=9), folder / ONNX_FILE)
    digest = hashlib.sha256((folder / ONNX_FILE).read_bytes()).hexdigest()
    signature = Signature(
        tuple(TensorSpec(name, "float32", tuple(shape)) for name, shape in inputs.items()),
        tuple(TensorSpec(name, "float32", tuple(shape)) for name, shape in outputs.items()),
    )
    record(signature, {ONNX_FILE: digest}).write(folder)
    return folder


@dataclass
class Watched:
    """Hears all; may be told to do something at each chunk or before each file."""

    at_chunk: Callable[[Progress], object] = lambda _: None
    at_check: Callable[[], object] = lambda: None
    heard: list[Progress] = field(default_factory=list)
    files: list[tuple[str, int, int]] = field(default_factory=list)

    def check(self) -> None:
        self.at_check()

    def tell(self, progress: Progress) -> None:
        self.heard.append(progress)
        self.at_chunk(progress)

    def finished(self, unit: str, rows: int, errors: int) -> None:
        self.files.append((unit, rows, errors))


@dataclass
class World:
    """A folder with `in` and `out`, and a version that is run over them."""

    root: Path
    version: Path
    config: ModelConfig = CLASSES
    number: int = 3

    @property
    def source(self) -> Path:
        return self.root / "in"

    @property
    def target(self) -> Path:
        return self.root / "out"

    def run(
        self,
        watched: Watched | None = None,
        shard: tuple[int, int] | None = None,
        order: dict[str, Any] | None = None,
        **options: Any,
    ) -> Progress:
        """A run of its own, unless `order` names one; shards are of one run."""
        run = secrets.token_hex(4) if shard is None else "shards"
        places = {"source": self.source, "target": self.target}
        told = {**places, "token": "t", "run": run, **(order or {})}
        one = None if shard is None else Shard(index=shard[0], of=shard[1])
        subject = Subject("pets", self.number, "f" * 64, self.version, self.config)
        made = BatchOrder(options=BatchOptions(**options), shard=one, **told)
        return run_batch(made, subject, watched or Watched())

    def table(self, name: str = "a.parquet") -> Any:
        return pq.read_table(self.target / name)


def rows_of(count: int, width: int = 3, start: int = 0) -> np.ndarray:
    """Rows that all differ."""
    values = np.random.default_rng(start).random((count, width), np.float32)
    return values


def write_lists(path: Path, values: np.ndarray, start: int = 0, **more: Any) -> None:
    """A Parquet file with a column `id`, and one `x` of lists of one length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    ids = pa.array(np.arange(start, start + len(values)))
    pq.write_table(pa.table({"id": ids, "x": lists}), path, **more)
