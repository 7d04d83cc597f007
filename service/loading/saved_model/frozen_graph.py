"""Turn a SavedModel of TensorFlow 1 into one of constants, with plain names for inputs and outputs.

TensorFlow 2 can neither export nor convert the reference variables of such a graph, and wants names
that Python could give to arguments. So TensorFlow 1's own session restores the variables, and their
values take their place; lookup tables stay as they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from service.loading.allow_list.graph_operations import FROM_TEXT_FILE
from service.loading.saved_model.graph import source
from service.loading.saved_model.inspection import SavedModelInfo

TABLE_INITIALISERS = FROM_TEXT_FILE | {"InitializeTable", "InitializeTableV2"}


def frozen_names(kind: str, count: int) -> list[str]:
    """What the inputs or outputs of a frozen signature are called, in the inspected order."""
    return [f"{kind}_{number}" for number in range(count)]


def freeze(folder: Path, target: Path, info: SavedModelInfo) -> None:
    """Write the inspected signature of the SavedModel in `folder` to `target`, variables frozen."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        meta = v1.saved_model.load(session, list(info.tags), str(folder))
        signature = meta.signature_def[info.signature_name]
        ends = [*signature.inputs.values(), *signature.outputs.values()]
        tables = [op.name for op in graph.get_operations() if op.type in TABLE_INITIALISERS]
        kept = [*(source(end.name) for end in ends), *tables]
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), kept)
        assets = loader_impl.get_asset_tensors(str(folder), meta)
        signature = _renamed(signature, info)
    paths = {source(name): path for name, path in assets.items()}
    _set_paths(frozen, paths)
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.import_graph_def(frozen, name="")
        present = [name for name in paths if name in {node.name for node in frozen.node}]
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session,
            list(info.tags),
            {info.signature_name: signature},
            assets_collection=[graph.get_tensor_by_name(f"{name}:0") for name in present],
            main_op=tf.group(*(graph.get_operation_by_name(name) for name in tables)),
        )
        builder.save()


def _renamed(signature: Any, info: SavedModelInfo) -> Any:
    renamed = type(signature)(method_name=signature.method_name)
    for kind, specs in (("input", info.signature.inputs), ("output", info.signature.outputs)):
        ends, originals = getattr(renamed, f"{kind}s"), getattr(signature, f"{kind}s")
        for name, spec in zip(frozen_names(kind, len(specs)), specs, strict=True):
            ends[name].CopyFrom(originals[spec.name])
    return renamed


def _set_paths(frozen: Any, paths: Mapping[str, bytes]) -> None:
    """An asset's constant holds the path that it had where the model was trained."""
    for node in frozen.node:
        if node.name in paths:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(paths[node.name]))
