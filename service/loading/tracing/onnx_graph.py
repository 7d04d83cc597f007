"""What tf2onnx leaves to be done on a graph: names of its ends, and operations that ONNX lacks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from service.base.signature import Signature

DTYPES = {1: "float32", 10: "float16", 11: "float64"}  # of ONNX' TensorProto
UNKNOWN_TYPE = 1


def name_ends(graph: Any, signature: Signature) -> None:
    """Give the graph's inputs and outputs the signature's names; tf2onnx has its own."""
    renamed: dict[str, str] = {}
    for values, specs in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        for value, spec in zip(values, specs, strict=True):
            renamed[value.name] = spec.name
            value.name = spec.name
    _rename_nodes(graph, renamed)


def _rename_nodes(graph: Any, renamed: dict[str, str]) -> None:
    """Rename in all nodes, the bodies of loops and branches included: they see outer names."""
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for inner in _bodies(node):
            _rename_nodes(inner, renamed)


def replace_erfc(graph: Any) -> None:
    """TensorFlow's exact GELU is x erfc(-x / sqrt 2) / 2; ONNX has erf alone: erfc = 1 - erf."""
    nodes: list[Any] = []
    for node in graph.node:
        for inner in _bodies(node):
            replace_erfc(inner)
        nodes.extend(_as_erf(graph, node) if node.op_type == "Erfc" else [node])
    del graph.node[:]
    graph.node.extend(nodes)


def _as_erf(graph: Any, node: Any) -> Iterator[Any]:
    (source,), (target,) = node.input, node.output
    one, erf = f"{target}__one", f"{target}__erf"
    dtype = DTYPES.get(_type_of(graph, source, target), "float32")
    graph.initializer.append(numpy_helper.from_array(np.ones((), dtype), one))
    yield helper.make_node("Erf", [source], [erf], name=f"{node.name}__erf")
    yield helper.make_node("Sub", [one, erf], [target], name=f"{node.name}__sub")


def _type_of(graph: Any, *names: str) -> int:
    values = [*graph.value_info, *graph.input, *graph.output]
    known = {value.name: value.type.tensor_type.elem_type for value in values}
    return next((known[name] for name in names if name in known), UNKNOWN_TYPE)


def _bodies(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
