"""Checkpoints and SavedModels made by hand, also such as TensorFlow would never write."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from service.loading.files.checkpoint import OBJECT_GRAPH
from service.loading.files.crc32c import masked_crc32c
from service.loading.files.protobufs import DTYPES, parse
from service.loading.files.table_file import MAGIC

NUMBERS = {name: number for number, name in DTYPES.items()}
Change = Callable[[Any], object]


def new(kind: str, **fields: Any) -> Any:
    """An empty message with these plain fields set."""
    message = parse(kind, b"")
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def write_table(path: Path, entries: Mapping[bytes, bytes], compression: int = 0) -> None:
    """One block of entries, and the block that points to it."""
    content, place = _block(b"", sorted(entries.items()), compression)
    more, index_place = _block(content, [(b"\xff", place)], 0)
    footer = (_varint(0) + _varint(0) + index_place).ljust(40, b"\0") + MAGIC
    path.write_bytes(more + footer)


def write_checkpoint(
    index: Path,
    tensors: Mapping[str, np.ndarray | bytes],
    change: Mapping[str, Change] | None = None,
) -> None:
    """An index and one shard; `change` spoils the index's entry of a tensor before it is written.

    A `bytes` value becomes a single text.
    """
    data = b""
    entries = {b"": new("BundleHeader", num_shards=1).SerializeToString()}
    for key, value in tensors.items():
        stored, checksum = _stored(value)
        entry = new("BundleEntry", offset=len(data), size=len(stored), crc32c=checksum)
        entry.dtype = NUMBERS["string" if isinstance(value, bytes) else value.dtype.name]
        for axis in () if isinstance(value, bytes) else value.shape:
            entry.shape.dim.add(size=axis)
        if change and key in change:
            change[key](entry)
        entries[key.encode()] = entry.SerializeToString()
        data += stored
    write_table(index, entries)
    index.with_suffix(".data-00000-of-00001").write_bytes(data)


def object_graph(children: Mapping[str, int], attributes: Mapping[str, str]) -> dict[str, bytes]:
    """A root with these children, and one further object with these attributes and keys."""
    graph = new("TrackableObjectGraph")
    root, other = graph.nodes.add(), graph.nodes.add()
    for name, number in children.items():
        root.children.add(local_name=name, node_id=number)
    for name, key in attributes.items():
        other.attributes.add(name=name, full_name=f"dense/{name}", checkpoint_key=key)
    return {OBJECT_GRAPH: graph.SerializeToString()}


RESTORE, SAVE = "__inference__traced_restore_3", "__inference__traced_save_2"


class HandmadeSavedModel:
    """A SavedModel of one signature: `y = Identity(f(x, w))`, with one variable `w`."""

    def __init__(self) -> None:
        self.message = new("SavedModel")
        self.meta = self.message.meta_graphs.add()
        self.meta.meta_info_def.tags.append("serve")
        self.meta.object_graph_def.nodes.add()
        self.add_node("x", "Placeholder")
        self.add_node("w", "VarHandleOp")
        self.function = self.add_function("__inference_f_1", ("x", "w"))
        self.add_node("call", "StatefulPartitionedCall", "x", "w", f="__inference_f_1")
        self.add_node("y", "Identity", "call")
        self.add_signature("serving_default", {"x": (None, 4)}, {"y": (None, 2)})
        self.assets: dict[str, bytes] = {}

    def add_saver(self, restore: str = RESTORE) -> None:
        """As TensorFlow 2 writes it: two functions, called by the graph and by nothing else."""
        files = ("ShardedFilename", "SaveV2", "MergeV2Checkpoints")
        self.add_function(SAVE, ("file_prefix", "w"), *files)
        self.add_function(RESTORE, ("file_prefix", "w"), "RestoreV2", "AssignVariableOp")
        self.add_node("saver_filename", "Placeholder")
        self.add_node("save", "StatefulPartitionedCall", "saver_filename", "w", f=SAVE)
        self.add_node("restore", "StatefulPartitionedCall", "saver_filename", "w", f=restore)
        self._name_saver("saver_filename:0", "save:0", "restore")

    def remove_objects(self) -> None:
        """As TensorFlow 1 wrote it: a graph whose nodes restore and save by themselves."""
        self.meta.ClearField("object_graph_def")
        self.add_node("save/Const", "PlaceholderWithDefault")
        self.add_node("save/SaveV2", "SaveV2", "save/Const", "w")
        self.add_node("save/control_dependency", "Identity", "save/Const", "^save/SaveV2")
        self.add_node("save/RestoreV2", "RestoreV2", "save/Const")
        self.add_node("save/Assign", "AssignVariableOp", "w", "save/RestoreV2")
        self.restore_all = self.add_node("save/restore_all", "NoOp", "^save/Assign")
        self._name_saver("save/Const:0", "save/control_dependency:0", "save/restore_all")

    def _name_saver(self, filename: str, save: str, restore: str) -> None:
        saver = self.meta.saver_def
        saver.filename_tensor_name, saver.save_tensor_name = filename, save
        saver.restore_op_name = restore

    def add_node(self, name: str, op: str, *inputs: str, f: str = "") -> Any:
        """A node of the graph itself; `f` is the function that it calls."""
        return _add_node(self.meta.graph_def.node, name, op, *inputs, f=f)

    def add_function(self, name: str, arguments: tuple[str, ...], *operations: str) -> Any:
        """A function with these arguments, and one node of each operation."""
        function = self.meta.graph_def.library.function.add()
        function.signature.name = name
        for argument in arguments:
            function.signature.input_arg.add(name=argument)
        for operation in operations:
            _add_node(function.node_def, operation.lower(), operation, *arguments)
        return function

    def add_call(self, function: Any, name: str, op: str, *inputs: str, f: str = "") -> Any:
        """A node within a function."""
        return _add_node(function.node_def, name, op, *inputs, f=f)

    def add_object(self, function: str, *bound: str) -> None:
        """An object that holds a function, bound to an asset, a constant or the like."""
        concrete = self.meta.object_graph_def.concrete_functions.add(key=function)
        for kind in bound:
            concrete.value.bound_inputs.append(len(self.meta.object_graph_def.nodes))
            getattr(self.meta.object_graph_def.nodes.add(), kind).SetInParent()
        holder = self.meta.object_graph_def.nodes.add()
        holder.bare_concrete_function.concrete_function_name = function

    def add_asset(self, filename: str, tensor: str = "asset", is_there: bool = True) -> None:
        """A declared asset, and the file."""
        asset = self.meta.asset_file_def.add(filename=filename)
        asset.tensor_info.name = f"{tensor}:0"
        if is_there:
            self.assets[filename] = b"a\nb\n"

    def add_signature(
        self, name: str, inputs: Mapping[str, tuple[int | None, ...]], outputs: Mapping[str, Any]
    ) -> Any:
        """Inputs and outputs of float32, from and to the nodes of their names."""
        entry = self.meta.signature_def.add(key=name)
        for ends, target in ((inputs, entry.value.inputs), (outputs, entry.value.outputs)):
            for end, shape in ends.items():
                info = target.add(key=end).value
                info.name, info.dtype = f"{end}:0", NUMBERS["float32"]
                for axis in shape:
                    info.tensor_shape.dim.add(size=-1 if axis is None else axis)
        return entry.value

    def write(self, folder: Path) -> dict[str, Path]:
        """The files by name."""
        (folder / "variables").mkdir(parents=True)
        write_checkpoint(folder / "variables/variables.index", {"w": np.ones((4, 2), "float32")})
        for name, content in self.assets.items():
            (folder / "assets").mkdir(exist_ok=True)
            (folder / "assets" / name).write_bytes(content)
        (folder / "saved_model.pb").write_bytes(self.message.SerializeToString())
        return files_of(folder)


def files_of(folder: Path) -> dict[str, Path]:
    """All files below a folder, by their names there."""
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def _add_node(nodes: Any, name: str, op: str, *inputs: str, f: str = "") -> Any:
    node = nodes.add(name=name, op=op)
    node.input.extend(inputs)
    if f:
        node.attr.add(key="f").value.func.name = f
    if op == "VarHandleOp":
        shape = node.attr.add(key="shape").value.shape
        shape.dim.add(size=4)
        shape.dim.add(size=2)
    return node


def _stored(value: np.ndarray | bytes) -> tuple[bytes, int]:
    if not isinstance(value, bytes):
        content = value.tobytes()
        return content, masked_crc32c(content)
    fixed = len(value).to_bytes(4, "little")
    checked = masked_crc32c(fixed).to_bytes(4, "little")
    return _varint(len(value)) + checked + value, masked_crc32c(fixed + checked + value)


def _block(
    before: bytes, entries: list[tuple[bytes, bytes]], compression: int
) -> tuple[bytes, bytes]:
    """The file so far with one more block, and the place of that block."""
    block, last = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), 0)
        block += _varint(shared) + _varint(len(key) - shared) + _varint(len(value))
        block += key[shared:] + value
        last = key
    block += (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    trailed = block + bytes([compression])
    checksum = masked_crc32c(trailed).to_bytes(4, "little")
    return before + trailed + checksum, _varint(len(before)) + _varint(len(block))


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])
