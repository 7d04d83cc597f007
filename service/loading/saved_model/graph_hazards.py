"""What a SavedModel would do besides computing, found by reading its graph.

Everything in the file is held against the list of operations, whether it is reached or not:
TensorFlow imports it all, and evaluates what it takes for constant while it does. Two things of
the list's edge are looked at more closely: the saver, which every SavedModel carries, and tables
that are filled from a text file.
"""

import math
from collections.abc import Iterator
from typing import Any

from service.loading.allow_list.graph_operations import COMPUTE, FROM_TEXT_FILE, KEEPING, SAVER
from service.loading.files.protobufs import MAX_BYTES, parse
from service.loading.saved_model.graph import (
    INIT_SIGNATURE,
    SAVERS_COLLECTION,
    TOP,
    SavedGraph,
    source,
)

WRITERS = frozenset({"SaveV2", "MergeV2Checkpoints"})
PLAIN_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
ASSETS_COLLECTION = "saved_model_assets"
MOST_STEPS = 200
MAX_ELEMENTS = MAX_BYTES // 4


def find_hazards(meta: Any, graph: SavedGraph) -> Iterator[str]:
    """The reasons why this meta graph may not be given to TensorFlow."""
    yield from _operations(graph)
    yield from _saver(meta, graph)
    yield from _keeping(meta, graph)
    assets = {source(asset.tensor_info.name) for asset in asset_files(meta)}
    for scope, node in graph.all_nodes():
        if node.op in FROM_TEXT_FILE and not _is_asset(graph, scope, node, assets):
            name = node.name[:100]
            yield f"'{name}' in {_place(scope)} fills a table from a file that is no asset"


def asset_files(meta: Any) -> list[Any]:
    """The assets that the file declares, with the tensors that get their paths."""
    if meta.asset_file_def:
        return list(meta.asset_file_def)
    return [
        parse("AssetFile", item.value)
        for entry in meta.collection_def
        if entry.key == ASSETS_COLLECTION
        for item in entry.value.any_list.value
    ]


def _place(scope: str) -> str:
    return f"the function '{scope[:100]}'" if scope else "the graph"


def _operations(graph: SavedGraph) -> Iterator[str]:
    told = set()
    for scope, node in graph.all_nodes():
        known = node.op in COMPUTE or node.op in SAVER or graph.is_call(node)
        if not known and node.op not in told:
            told.add(node.op)
            name = node.op[:100]
            yield f"the operation '{name}' in {_place(scope)} is none of those that only compute"
        if node.op == "Const" and _elements(node) > MAX_ELEMENTS:
            yield f"'{node.name[:100]}' in {_place(scope)} is an enormous constant"


def _keeping(meta: Any, graph: SavedGraph) -> Iterator[str]:
    """What a request would leave behind for the next one."""
    outputs = [
        source(entry.value.name)
        for signature in meta.signature_def
        if signature.key != INIT_SIGNATURE
        for entry in signature.value.outputs
    ]
    for name in sorted({node.op for node in graph.before(outputs)} & KEEPING):
        yield f"the operation '{name}' keeps something of one request for the next"


def _elements(node: Any) -> int:
    shapes = [entry.value.tensor.tensor_shape for entry in node.attr]
    counts: list[int] = [math.prod(max(axis.size, 0) for axis in shape.dim) for shape in shapes]
    return max(counts, default=0)


# Below: the saver. It may be there; nothing that loading or serving runs may lead to it, but for
# the restoring of TensorFlow 1, which reads the file that it is told to.


def _saver(meta: Any, graph: SavedGraph) -> Iterator[str]:
    functions = graph.reaching(SAVER)
    if functions and not graph.is_object_based:
        yield "functions of a graph without objects save or restore files"
    for name in sorted(functions & graph.exposed()):
        yield f"{_place(name)}, which isn't the saver, saves or restores files"
    if not graph.is_object_based:
        yield from _unfed_restores(meta, graph)
    after = graph.after(_nodes_with(graph, SAVER, functions))
    for name in sorted(after & set(_run_names(meta, graph))):
        yield f"'{name[:100]}' saves or restores files when the model is loaded or served"
    written = graph.after(_nodes_with(graph, WRITERS, graph.reaching(WRITERS)))
    if source(meta.saver_def.restore_op_name) in written:
        yield "restoring the model writes a file"


def _nodes_with(graph: SavedGraph, operations: frozenset[str], functions: set[str]) -> set[str]:
    """The top nodes that are one of these operations or call one of these functions."""
    calling = {
        node.name for name in functions for scope, node in graph.callers[name] if scope == TOP
    }
    return calling | {node.name for node in graph.top.values() if node.op in operations}


def _unfed_restores(meta: Any, graph: SavedGraph) -> Iterator[str]:
    fed = source(meta.saver_def.filename_tensor_name)
    for node in graph.top.values():
        if node.op == "RestoreV2" and [source(text) for text in node.input][:1] != [fed]:
            yield f"'{node.name[:100]}' reads another file than the model's variables"


def _run_names(meta: Any, graph: SavedGraph) -> Iterator[str]:
    """The top nodes that loading or serving may run, the restoring itself left out."""
    for signature in meta.signature_def:
        yield from (source(entry.value.name) for entry in signature.value.outputs)
    if graph.is_object_based:
        return
    for entry in meta.collection_def:
        yield from map(source, entry.value.node_list.value)
        if entry.key != SAVERS_COLLECTION:
            for content in entry.value.bytes_list.value:
                yield from _variable_names(content)


def _variable_names(content: bytes) -> Iterator[str]:
    """The nodes of a variable's definition; of anything else, nothing or names of no node."""
    try:
        variable = parse("VariableDef", content)
    except ValueError:
        return
    names = (variable.initializer_name, variable.snapshot_name, variable.initial_value_name)
    yield from (source(name) for name in names if name)


# Below: where the name of a table's file comes from.


def _is_asset(graph: SavedGraph, scope: str, node: Any, assets: set[str]) -> bool:
    if len(node.input) < 2:
        return False
    return _comes_from_asset(graph, scope, node.input[1], assets, set())


def _comes_from_asset(
    graph: SavedGraph, scope: str, text: str, assets: set[str], seen: set[tuple[str, str]]
) -> bool:
    """True when this tensor can only ever be the path of an asset."""
    if (scope, text) in seen:
        return True
    seen.add((scope, text))
    if scope == TOP:
        # Of a model made of objects, nothing of the graph itself is run.
        return graph.is_object_based or source(text) in assets
    arguments = [argument.name for argument in graph.functions[scope].signature.input_arg]
    if text in arguments:
        return _argument_is_asset(graph, scope, arguments.index(text), assets, seen)
    if len(seen) > MOST_STEPS:  # no asset's path goes through so many hands
        return False
    inner = [node for node in graph.nodes(scope) if node.name == source(text)]
    if len(inner) != 1 or inner[0].op != "Identity" or not inner[0].input:
        return False
    return _comes_from_asset(graph, scope, inner[0].input[0], assets, seen)


def _argument_is_asset(
    graph: SavedGraph, function: str, index: int, assets: set[str], seen: set[tuple[str, str]]
) -> bool:
    """True when whoever calls the function gives an asset at this place."""
    if function in graph.exposed():
        bound = graph.bound.get(function, ())
        place = index - (len(graph.functions[function].signature.input_arg) - len(bound))
        if place < 0 or not graph.objects[bound[place]].HasField("asset"):
            return False
    for scope, node in graph.callers[function]:
        is_plain = node.op in PLAIN_CALLS or node.op == function
        if not is_plain or index >= len(node.input):
            return False
        if not _comes_from_asset(graph, scope, node.input[index], assets, seen):
            return False
    return True
