"""A TensorFlow checkpoint read without TensorFlow: an index and the shards of data beside it.

`model.save_weights("cp.ckpt")` of Keras 2 leaves `cp.ckpt.index` and `cp.ckpt.data-00000-of-00001`.
Whatever the index says is held against the shards' real sizes before a byte is reserved. Checked
by checksum: the index always, each tensor when it is read.
"""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from service.base.refusals import FileBroken
from service.loading.files.crc32c import masked_crc32c
from service.loading.files.protobufs import dimensions, dtype_name, parse
from service.loading.files.table_file import is_table, open_regular, read_table, varint

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
HEADER = b""
SLICE_MARK = b"\0"  # begins the name of a part of a partitioned variable
BUNDLE_VERSION = 1
MAX_SHARDS = 10_000
MAX_AXES = 32
MAX_NODES = 1_000_000
MAX_OBJECT_GRAPH_BYTES = 16 * 1024**2
# Stored bytes of one element; a string is of any length.
WIDTHS = {
    **dict.fromkeys(("bool", "int8", "uint8"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor, and where it lies; `is_sliced` when it lies in several parts elsewhere."""

    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int = 0
    is_sliced: bool = False

    @property
    def elements(self) -> int:
        """How many numbers or texts it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of an object: its name there, the variable's own name, and its key."""

    name: str
    full_name: str
    checkpoint_key: str


@dataclass(frozen=True, slots=True)
class Node:
    """One object of those that were saved; `children` are numbers of nodes by attribute name."""

    children: Mapping[str, int]
    attributes: tuple[Attribute, ...]


class Checkpoint:
    """An open checkpoint; `nodes` is empty when it goes by names alone, as in TensorFlow 1."""

    def __init__(self, name: str, entries: dict[str, Entry], shards: list[BinaryIO]) -> None:
        self._name = name
        self._shards = shards
        self.entries: Mapping[str, Entry] = MappingProxyType(entries)
        self.nodes = self._read_nodes() if OBJECT_GRAPH in entries else ()

    def read(self, key: str) -> np.ndarray:
        """One tensor; bfloat16 comes as float32, texts as an array of bytes objects.

        Raises FileBroken when there is no such tensor, its checksum is wrong, or it has a form
        that isn't read.
        """
        entry = self.entries.get(key)
        if entry is None:
            raise FileBroken(self._name, f"the checkpoint has no tensor '{key}'")
        if entry.is_sliced:
            why = f"'{key}' is stored in parts (a partitioned variable); save it in one piece"
            raise FileBroken(self._name, why)
        if entry.dtype not in WIDTHS and entry.dtype != "string":
            raise FileBroken(self._name, f"'{key}' is of the kind {entry.dtype}, which isn't read")
        content = self._bytes(entry)
        try:
            if entry.dtype == "string":
                return _texts(entry, content)
            return _numbers(entry, content)
        except ValueError as error:
            raise FileBroken(self._name, f"the tensor '{key}' is damaged: {error}") from error

    def _bytes(self, entry: Entry) -> bytes:
        shard = self._shards[entry.shard]
        try:
            shard.seek(entry.offset)
            return shard.read(entry.size)
        except OSError as error:
            raise FileBroken(self._name, f"its data can't be read: {error.strerror}") from error

    def _read_nodes(self) -> tuple[Node, ...]:
        entry = self.entries[OBJECT_GRAPH]
        if entry.dtype != "string" or entry.shape or entry.size > MAX_OBJECT_GRAPH_BYTES:
            raise FileBroken(
                self._name, "the checkpoint's graph of objects is no text, or too long"
            )
        try:
            graph = parse("TrackableObjectGraph", self.read(OBJECT_GRAPH).item())
        except ValueError as error:
            raise FileBroken(self._name, f"the checkpoint's graph of objects: {error}") from error
        count = len(graph.nodes)
        if count > MAX_NODES:
            raise FileBroken(self._name, f"the checkpoint has more than {MAX_NODES} objects")
        nodes = tuple(_node(node) for node in graph.nodes)
        if not all(0 <= child < count for node in nodes for child in node.children.values()):
            raise FileBroken(self._name, "the checkpoint's graph of objects is inconsistent")
        return nodes


@contextmanager
def open_checkpoint(index: Path) -> Iterator[Checkpoint]:
    """Open the checkpoint with this index file, its shards beside it. Raises FileBroken."""
    table = read_table(index)
    header = _header(index.name, table)
    with ExitStack() as stack:
        shards = [stack.enter_context(_open_shard(path)) for path in _shard_paths(index, header)]
        sizes = [os.fstat(shard.fileno()).st_size for shard in shards]
        yield Checkpoint(index.name, _entries(index.name, table, sizes), shards)


def is_checkpoint_index(path: Path) -> bool:
    """True when the file's content is that of a checkpoint's index, whatever its name."""
    return is_table(path)


# Below: the index, held against the files.


def _header(name: str, table: dict[bytes, bytes]) -> Any:
    try:
        header = parse("BundleHeader", table.get(HEADER, b""))
    except ValueError as error:
        raise FileBroken(name, f"the header of the checkpoint's index: {error}") from error
    if not 1 <= header.num_shards <= MAX_SHARDS:
        raise FileBroken(name, "is no checkpoint of TensorFlow's second format (tensor bundle)")
    if header.endianness != 0 or header.version.min_consumer > BUNDLE_VERSION:
        raise FileBroken(name, "the checkpoint is big-endian or of a newer format")
    return header


def _shard_paths(index: Path, header: Any) -> list[Path]:
    prefix, count = index.name.removesuffix(".index"), header.num_shards
    return [index.with_name(f"{prefix}.data-{shard:05}-of-{count:05}") for shard in range(count)]


def _open_shard(path: Path) -> BinaryIO:
    try:
        if not path.resolve().is_relative_to(path.parent.resolve()):
            raise FileBroken(path.name, "the checkpoint's data is a link to another folder")
        return os.fdopen(open_regular(path), "rb")
    except OSError as error:
        why = f"the checkpoint's data can't be read ({error.strerror}); put it beside the index"
        raise FileBroken(path.name, why) from error


def _entries(name: str, table: dict[bytes, bytes], sizes: list[int]) -> dict[str, Entry]:
    entries = {}
    total = 0
    for key, value in table.items():
        if key == HEADER:
            continue
        text = key.decode("utf-8", "backslashreplace")
        try:
            entry = _entry(parse("BundleEntry", value))
            _check(entry, sizes)
        except ValueError as error:
            raise FileBroken(name, f"the tensor '{text[:200]}': {error}") from error
        total += entry.size
        if not key.startswith(SLICE_MARK):
            entries[text] = entry
    if total > sum(sizes):
        raise FileBroken(name, "the checkpoint's tensors overlap")
    return entries


def _entry(message: Any) -> Entry:
    shape = dimensions(message.shape)
    if shape is None or len(shape) > MAX_AXES:
        raise ValueError("its shape is unknown or has too many axes")
    return Entry(
        dtype=dtype_name(message.dtype),
        shape=tuple(-1 if axis is None else axis for axis in shape),
        shard=message.shard_id,
        offset=message.offset,
        size=message.size,
        checksum=message.crc32c,
        is_sliced=bool(message.slices),
    )


def _check(entry: Entry, sizes: list[int]) -> None:
    if min(entry.shape, default=0) < 0:
        raise ValueError(f"its shape {entry.shape} has a negative axis")
    if entry.is_sliced:
        return
    if not 0 <= entry.shard < len(sizes):
        raise ValueError(f"lies in the part {entry.shard} of {len(sizes)}")
    if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > sizes[entry.shard]:
        raise ValueError("lies beyond the end of the data, which is cut off or another's")
    width = WIDTHS.get(entry.dtype)
    if width is not None and entry.size != width * entry.elements:
        raise ValueError(f"has {entry.size} bytes, which don't fit {entry.dtype}{entry.shape}")
    if entry.dtype == "string" and entry.size < entry.elements:
        raise ValueError(f"has {entry.size} bytes for {entry.elements} texts")


def _node(message: Any) -> Node:
    attributes = [Attribute(a.name, a.full_name, a.checkpoint_key) for a in message.attributes]
    children = {child.local_name: child.node_id for child in message.children}
    return Node(MappingProxyType(children), tuple(attributes))


# Below: the tensors.


def _numbers(entry: Entry, content: bytes) -> np.ndarray:
    if masked_crc32c(content) != entry.checksum:
        raise ValueError("its checksum is wrong")
    if entry.dtype == "bfloat16":
        wide = np.frombuffer(content, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(entry.shape)
    stored = np.dtype(entry.dtype).newbyteorder("<")
    return np.frombuffer(content, stored).astype(entry.dtype).reshape(entry.shape)


def _texts(entry: Entry, content: bytes) -> np.ndarray:
    """The lengths as varints, their checksum, then the texts.

    The checksum of it all counts the lengths as the fixed-width numbers that they stand for.
    """
    lengths, position = [], 0
    for _ in range(entry.elements):
        length, position = varint(content, position, len(content))
        lengths.append(length)
    fixed = b"".join(n.to_bytes(4 if n < 2**32 else 8, "little") for n in lengths)
    start = position + 4
    if start + sum(lengths) != len(content):
        raise ValueError("its lengths don't fit its bytes")
    if masked_crc32c(fixed + content[position:]) != entry.checksum:
        raise ValueError("its checksum is wrong")
    texts = np.empty(entry.elements, object)
    for number, length in enumerate(lengths):
        texts[number] = content[start : start + length]
        start += length
    return texts.reshape(entry.shape)
