"""Look at a SavedModel without TensorFlow: signatures, operations, variables, assets, hazards.

saved_model.pb                               the graph, its functions, signatures and objects
variables/variables.index, .data-0000N-of-…  a checkpoint
assets/…                                     files that the graph reads, such as vocabularies
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any

from service.base.refusals import FileBroken, FileRefused, FileUnsafe, ModelUnsupported
from service.base.signature import DTYPES, Signature, TensorSpec
from service.loading.files.checkpoint import open_checkpoint
from service.loading.files.protobufs import MAX_BYTES, dimensions, dtype_name, parse
from service.loading.saved_model.graph import INIT_SIGNATURE, SavedGraph, source
from service.loading.saved_model.graph_hazards import asset_files, find_hazards

GRAPH_FILE = "saved_model.pb"
INDEX_FILE = "variables/variables.index"
KERAS_FILE = "keras_metadata.pb"
SERVED, SERVING_TAG = "serving_default", "serve"
VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
KERAS_VERSION = re.compile(rb'"keras_version": ?"([0-9A-Za-z.+-]{1,32})"')
MAX_HAZARDS = 5


@dataclass(frozen=True, slots=True)
class SavedModelInfo:
    """What a SavedModel is made of; `prefix` is the folder in which it lies among the files.

    `operations` are those that the signature needs, `parameters` the numbers in its variables.
    One that isn't `is_object_based` is a bare graph, as TensorFlow 1 and its Estimators left it.
    """

    prefix: str
    tags: tuple[str, ...]
    signature_name: str
    signature: Signature
    signatures: tuple[str, ...]
    operations: tuple[str, ...]
    hazards: tuple[str, ...]
    parameters: int
    keras_version: str
    tensorflow_version: str
    is_object_based: bool

    @property
    def graph_file(self) -> str:
        """The name of the graph's file among the files, for messages."""
        return self.prefix + GRAPH_FILE

    @property
    def batch_size(self) -> int | None:
        """The number of instances that the model was exported for, where it isn't free."""
        return next((spec.shape[0] for spec in self.signature.inputs if spec.shape[0]), None)

    def refuse_if_unsafe(self) -> None:
        """Raise FileUnsafe unless the folder may be given to TensorFlow."""
        if self.hazards:
            raise FileUnsafe(self.graph_file, self.hazards)


def saved_model_prefix(files: Mapping[str, Path]) -> str | None:
    """The folder of the only SavedModel among the files, ending in `/`; None if there is none.

    Raises FileBroken when there are several.
    """
    found = sorted(name for name in files if PurePosixPath(name).name == GRAPH_FILE)
    if len(found) > 1:
        raise FileBroken(", ".join(found[:5]), "several SavedModels; a version has one")
    return found[0].removesuffix(GRAPH_FILE) if found else None


def inspect_saved_model(files: Mapping[str, Path], signature_name: str = "") -> SavedModelInfo:
    """Inspect the SavedModel among the files of a version, given by name.

    Without a `signature_name` it is `serving_default` that is looked for, then the only one.
    Raises FileBroken or ModelUnsupported; hazards are reported, not raised.
    """
    prefix = saved_model_prefix(files)
    if prefix is None:
        listed = ", ".join(sorted(files)[:5]) or "no file"
        raise FileBroken(listed, f"is no SavedModel: {GRAPH_FILE} is missing")
    name = prefix + GRAPH_FILE
    content = _read(name, files[name])
    try:
        metas = parse("SavedModel", content).meta_graphs
        meta = _served_graph(metas)
        graph = SavedGraph.of(meta, is_alone=len(metas) == 1)
        found = chain(_asset_hazards(meta, prefix, files), find_hazards(meta, graph))
        hazards = tuple(islice(found, MAX_HAZARDS))
    except ValueError as error:
        raise FileBroken(name, f"the SavedModel can't be used: {error}") from error
    try:
        _check_variables(prefix, files, graph)
        signatures = _signatures(meta)
        chosen = _choose(name, signatures, signature_name)
        signature = _signature(name, signatures[chosen])
    except FileRefused as refusal:
        raise FileUnsafe(name, hazards) if hazards else refusal from None
    outputs = [source(entry.value.name) for entry in signatures[chosen].outputs]
    reached = graph.before(outputs)
    return SavedModelInfo(
        prefix=prefix,
        tags=tuple(meta.meta_info_def.tags),
        signature_name=chosen,
        signature=signature,
        signatures=tuple(sorted(signatures)),
        operations=tuple(sorted({node.op for node in reached})),
        hazards=hazards,
        parameters=sum(_elements(node) for node in reached if node.op in VARIABLES),
        keras_version=_keras_version(content, files.get(prefix + KERAS_FILE)),
        tensorflow_version=meta.meta_info_def.tensorflow_version[:32],
        is_object_based=graph.is_object_based,
    )


def _read(name: str, path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileBroken(name, f"is larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise FileBroken(name, f"can't be read: {error.strerror}") from error


def _served_graph(metas: Any) -> Any:
    """The graph that was exported for serving: the only one, or the one tagged so."""
    if len(metas) == 1:
        return metas[0]
    served = [meta for meta in metas if list(meta.meta_info_def.tags) == [SERVING_TAG]]
    if len(served) != 1:
        raise ValueError(f"of its {len(metas)} graphs not exactly one is tagged '{SERVING_TAG}'")
    return served[0]


# Below: signatures.


def _signatures(meta: Any) -> dict[str, Any]:
    """By name; those that give nothing, and the one that TensorFlow keeps for itself, left out."""
    named = {entry.key: entry.value for entry in meta.signature_def}
    return {
        name: signature
        for name, signature in named.items()
        if name != INIT_SIGNATURE and signature.outputs
    }


def _choose(file: str, signatures: Mapping[str, Any], wanted: str) -> str:
    names = sorted(signatures)
    listed = ", ".join(names[:20])
    if not names:
        raise ModelUnsupported(file, "it has no signature; save it with signatures=...")
    if wanted:
        if wanted not in signatures:
            raise ModelUnsupported(file, f"it has no signature '{wanted}', but: {listed}")
        return wanted
    if SERVED in signatures:
        return SERVED
    if len(names) > 1:
        choice = f"choose one by `signature` in model.yaml, or --signature: {listed}"
        raise ModelUnsupported(file, f"none of its signatures is '{SERVED}'; {choice}")
    return names[0]


def _signature(file: str, signature: Any) -> Signature:
    """Inputs and outputs by name, as TensorFlow orders them, too: the file has no order."""
    if not signature.inputs:
        raise ModelUnsupported(file, "the signature has no inputs")
    inputs = _specs(file, "input", signature.inputs)
    outputs = _specs(file, "output", signature.outputs)
    if all(spec.shape[0] is None for spec in inputs):
        for spec in outputs:
            if spec.shape[0] is not None:
                why = (
                    f"the output '{spec.name}' has {spec.shape[0]} rows for any number of instances"
                )
                raise ModelUnsupported(file, why)
    return Signature(inputs, outputs)


def _specs(file: str, what: str, entries: Any) -> tuple[TensorSpec, ...]:
    infos = {entry.key: entry.value for entry in entries}
    return tuple(_spec(file, what, name, infos[name]) for name in sorted(infos))


def _spec(file: str, what: str, name: str, info: Any) -> TensorSpec:
    dtype, shape = dtype_name(info.dtype), dimensions(info.tensor_shape)
    if info.HasField("coo_sparse") or info.HasField("composite_tensor"):
        raise ModelUnsupported(file, f"the {what} '{name}' is sparse or ragged, not one tensor")
    if dtype not in DTYPES:
        raise ModelUnsupported(file, f"the {what} '{name}' has the dtype {dtype}")
    if shape is None and what == "output":
        shape = (None,)
    if shape is None:
        raise ModelUnsupported(file, f"nothing says what shape the input '{name}' has")
    if not shape:
        raise ModelUnsupported(file, f"the {what} '{name}' is one value, not one per instance")
    return TensorSpec(name, dtype, shape)


# Below: files and objects.


def _asset_hazards(meta: Any, prefix: str, files: Mapping[str, Path]) -> Iterator[str]:
    """Assets must be files of the folder `assets/`. Raises ValueError when one is missing."""
    assets = asset_files(meta)
    for asset in assets:
        parts = asset.filename.split("/")
        if not asset.filename or {"", ".", ".."} & set(parts) or "\0" in asset.filename:
            yield f"its asset {asset.filename[:100]!r} lies outside of the model's folder"
        elif f"{prefix}assets/{asset.filename}" not in files:
            raise ValueError(f"the file assets/{asset.filename[:100]} is missing")
    for item in meta.object_graph_def.nodes:
        if item.HasField("asset") and not 0 <= item.asset.asset_file_def_index < len(assets):
            raise ValueError("an object of it refers to an asset that isn't there")


def _check_variables(prefix: str, files: Mapping[str, Path], graph: SavedGraph) -> None:
    """The variables' checkpoint must be whole; a graph of constants alone needs none."""
    index = files.get(prefix + INDEX_FILE)
    if index is not None:
        with open_checkpoint(index):
            return
    if graph.is_object_based or any(node.op in VARIABLES for node in graph.top.values()):
        raise FileBroken(prefix + GRAPH_FILE, f"its variables are missing: {INDEX_FILE}")


def _elements(node: Any) -> int:
    """The numbers that a variable holds; of an unknown shape, none."""
    shapes = [entry.value.shape for entry in node.attr if entry.key == "shape"]
    axes = dimensions(shapes[0]) if shapes else None
    return math.prod(axis or 0 for axis in axes) if axes is not None else 0


def _keras_version(content: bytes, metadata: Path | None) -> str:
    """As Keras 2 wrote it beside the graph, or into it; Keras 3 writes none."""
    texts = [_read(metadata.name, metadata)] if metadata else []
    for text in (*texts, content):
        if match := KERAS_VERSION.search(text):
            return match.group(1).decode("ascii")
    return ""
