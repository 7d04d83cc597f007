"""The protobuf messages of TensorFlow's files, as far as they are read; nothing of TensorFlow.

Only the fields that something here looks at are declared. Those that aren't are skipped, and enums
are plain integers. A map is declared as the repeated entries that it is on the wire.
"""

from functools import lru_cache
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
)

PACKAGE = "kerasd"
MAX_BYTES = 512 * 1024**2

# A field is "name number type"; "*" before a type repeats it, a capital letter begins a message.
# Of the fields marked "|" only the last one that is set counts: they are declared even if unread.
MESSAGES: dict[str, str] = {
    # A checkpoint's index: tensor_bundle.proto, trackable_object_graph.proto
    "Version": "min_consumer 2 int32",
    "Dim": "size 1 int64",
    "Shape": "dim 2 *Dim, unknown_rank 3 bool",
    "BundleHeader": "num_shards 1 int32, endianness 2 int32, version 3 Version",
    "BundleEntry": "dtype 1 int32, shape 2 Shape, shard_id 3 int32, offset 4 int64, size 5 int64, "
    "crc32c 6 fixed32, slices 7 *Unread",
    "Reference": "node_id 1 int32, local_name 2 string",
    "SerializedTensor": "name 1 string, full_name 2 string, checkpoint_key 3 string",
    "TrackableObject": "children 1 *Reference, attributes 2 *SerializedTensor",
    "TrackableObjectGraph": "nodes 1 *TrackableObject",
    # A graph: graph.proto, node_def.proto, function.proto, attr_value.proto, tensor.proto
    "Tensor": "dtype 1 int32, tensor_shape 2 Shape",
    "NameAttrList": "name 1 string, attr 2 *AttrEntry",
    "AttrList": "func 9 *NameAttrList",
    "Attr": "list 1 AttrList|, s 2 bytes|, i 3 int64|, f 4 float|, b 5 bool|, type 6 int32|, "
    "shape 7 Shape|, tensor 8 Tensor|, placeholder 9 string|, func 10 NameAttrList|",
    "AttrEntry": "key 1 string, value 2 Attr",
    "Node": "name 1 string, op 2 string, input 3 *string, attr 5 *AttrEntry",
    "Argument": "name 1 string",
    "OpSignature": "name 1 string, input_arg 2 *Argument",
    "Function": "signature 1 OpSignature, node_def 3 *Node",
    "Library": "function 1 *Function",
    "Graph": "node 1 *Node, library 2 Library",
    # A SavedModel: saved_model.proto, meta_graph.proto, saver.proto
    "MetaInfo": "tags 4 *string, tensorflow_version 5 string",
    "Saver": "filename_tensor_name 1 string, save_tensor_name 2 string, restore_op_name 3 string",
    "NodeList": "value 1 *string",
    "BytesList": "value 1 *bytes",
    "Any": "value 2 bytes",
    "AnyList": "value 1 *Any",
    "Collection": "node_list 1 NodeList, bytes_list 2 BytesList, any_list 5 AnyList",
    "VariableDef": "initializer_name 2 string, snapshot_name 3 string, initial_value_name 6 string",
    "CollectionEntry": "key 1 string, value 2 Collection",
    "Unread": "",
    "TensorInfo": "name 1 string|, dtype 2 int32, tensor_shape 3 Shape, coo_sparse 4 Unread|, "
    "composite_tensor 5 Unread|",
    "TensorInfoEntry": "key 1 string, value 2 TensorInfo",
    "SignatureDef": "inputs 1 *TensorInfoEntry, outputs 2 *TensorInfoEntry",
    "SignatureEntry": "key 1 string, value 2 SignatureDef",
    "AssetFile": "tensor_info 1 TensorInfo, filename 2 string",
    "MetaGraph": "meta_info_def 1 MetaInfo, graph_def 2 Graph, saver_def 3 Saver, "
    "collection_def 4 *CollectionEntry, signature_def 5 *SignatureEntry, "
    "asset_file_def 6 *AssetFile, object_graph_def 7 SavedObjectGraph",
    "SavedModel": "meta_graphs 2 *MetaGraph",
    # The objects of a SavedModel: saved_object_graph.proto
    "UserObject": "identifier 1 string, metadata 3 string",
    "Asset": "asset_file_def_index 1 int32",
    "SavedFunction": "concrete_functions 1 *string",
    "BareConcreteFunction": "concrete_function_name 1 string",
    "SavedObject": "children 1 *Reference, user_object 4 UserObject|, asset 5 Asset|, "
    "function 6 SavedFunction|, variable 7 Unread|, "
    "bare_concrete_function 8 BareConcreteFunction|, constant 9 Unread|, resource 10 Unread|, "
    "captured_tensor 12 Unread|",
    "ConcreteFunction": "bound_inputs 2 *int32",
    "ConcreteFunctionEntry": "key 1 string, value 2 ConcreteFunction",
    "SavedObjectGraph": "nodes 1 *SavedObject, concrete_functions 2 *ConcreteFunctionEntry",
}

DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
}


def parse(kind: str, content: bytes) -> Any:
    """The message that the bytes hold. Raises ValueError when they are no such message.

    The depth is bounded by protobuf itself (100 messages inside each other).
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    parsed = _message_class(kind)()
    try:
        parsed.ParseFromString(content)
    except (message.DecodeError, RecursionError) as error:
        raise ValueError("it is damaged, incomplete, or no such file at all") from error
    return parsed


def dtype_name(number: int) -> str:
    """NumPy's name of a dtype, or `dtype 77` for one that has no name here."""
    return DTYPES.get(number, f"dtype {number}")


def dimensions(shape: Any) -> tuple[int | None, ...] | None:
    """A shape, free axes as None; nothing when not even the rank is known."""
    if shape.unknown_rank:
        return None
    return tuple(None if axis.size < 0 else axis.size for axis in shape.dim)


@lru_cache(maxsize=len(MESSAGES))
def _message_class(kind: str) -> Any:
    descriptor = _pool().FindMessageTypeByName(f"{PACKAGE}.{kind}")
    return message_factory.GetMessageClass(descriptor)


@lru_cache(maxsize=1)
def _pool() -> descriptor_pool.DescriptorPool:
    """A pool of our own: TensorFlow's messages may live in the same process under their names."""
    file = descriptor_pb2.FileDescriptorProto(name="kerasd.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        declared = file.message_type.add(name=name)
        if "|" in fields:
            declared.oneof_decl.add(name="kind")
        for field in fields.split(", ") if fields else ():
            _declare(declared.field.add(), field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _declare(field: Any, text: str) -> None:
    field.name, number, kind = text.split()
    field.number = int(number)
    if kind.endswith("|"):
        field.oneof_index, kind = 0, kind.removesuffix("|")
    is_repeated, kind = kind.startswith("*"), kind.removeprefix("*")
    field.label = field.LABEL_REPEATED if is_repeated else field.LABEL_OPTIONAL
    if kind[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
