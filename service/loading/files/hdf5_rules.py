"""What an HDF5 file of Keras may consist of: groups and arrays of numbers, nothing from elsewhere.

Everything is judged by what the file declares, before any array is read.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from service.base.magic import HDF5_SIGNATURE
from service.base.refusals import FileBroken, FileUnsafe

MAX_LINKS = 100_000
MAX_DECLARED_BYTES = 4 * 1024**3
# Trained weights hardly shrink; what unpacks to far more than it is was made to do so.
MAX_EXPANSION = 100
ALWAYS_FINE_BYTES = 64 * 1024**2
MAX_TOLD = 5
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
ATTRIBUTE_CLASSES = {h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM}
NUMBERS = "fiub"  # floats, integers of both kinds, truth values
WORDS = "vocabulary"  # the one array that may hold text
SUPERBLOCK_BYTES = 64
WIDTHS = bytes([8, 8])  # of addresses and of lengths
HEAP_SIGNATURE = b"GCOL\x01\0\0\0"
HEAP_HEADER = struct.Struct("<8xQ")  # the heap's size
HEAP_OBJECT = struct.Struct("<H6xQ")  # an object's index, 0 for a gap, and its size
MAX_HEAP_OBJECTS = 1_000_000


def check_bytes(path: Path) -> None:
    """Check what must be known before the HDF5 library may see the file.

    Raises FileUnsafe if something follows the HDF5 data, which another reader might take up, and
    FileBroken for damage on which the library would loop for ever.
    """
    with path.open("rb") as stream:
        end = declared_end(stream.read(SUPERBLOCK_BYTES))
        extra = path.stat().st_size - end
        if end and extra > 0:
            raise FileUnsafe(path.name, [f"{extra} bytes follow the end of its HDF5 data"])
        if end and _has_endless_heap(stream):
            raise FileBroken(path.name, "the HDF5 file is damaged (a heap with an empty gap)")


def declared_end(head: bytes) -> int:
    """Where the file ends by its own word; 0 if it doesn't begin as HDF5 of Keras does."""
    if len(head) < SUPERBLOCK_BYTES or not head.startswith(HDF5_SIGNATURE):
        return 0
    version = head[8]
    start, widths = (24 + 4 * version, head[13:15]) if version < 2 else (12, head[9:11])
    if version > 3 or widths != WIDTHS:
        return 0
    return int.from_bytes(head[start + 16 : start + 24], "little")


def _has_endless_heap(stream: BinaryIO) -> bool:
    """True if a global heap, where texts are kept, has a gap of no bytes: no step leads past it."""
    steps = 0
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        heap = content.find(HEAP_SIGNATURE)
        while heap >= 0:
            here = heap + HEAP_HEADER.size
            end = min(heap + HEAP_HEADER.unpack_from(content, heap)[0], len(content))
            while here + HEAP_OBJECT.size <= end:
                index, size = HEAP_OBJECT.unpack_from(content, here)
                steps += 1
                if (index == 0 and size == 0) or steps > MAX_HEAP_OBJECTS:
                    return True
                here += size if index == 0 else HEAP_OBJECT.size + (size + 7) // 8 * 8
            heap = content.find(HEAP_SIGNATURE, heap + len(HEAP_SIGNATURE))
    return False


def check_contents(file: h5py.File, path: Path) -> None:
    """Raise FileUnsafe or FileBroken unless all that the file declares may be read."""
    hazards: list[str] = []
    declared = 0
    for name, dataset in datasets(file, hazards):
        hazards.extend(_dataset_hazards(name, dataset))
        declared += dataset.nbytes
        if len(hazards) >= MAX_TOLD:
            break
    if hazards:
        raise FileUnsafe(path.name, hazards[:MAX_TOLD])
    size = path.stat().st_size
    if declared > min(MAX_DECLARED_BYTES, max(ALWAYS_FINE_BYTES, MAX_EXPANSION * size)):
        raise FileBroken(path.name, f"declares {declared} bytes of arrays in a file of {size}")


def datasets(
    group: h5py.Group, hazards: list[str] | None = None
) -> Iterator[tuple[str, h5py.Dataset]]:
    """Every array below a group over hard links, each group once; all else goes to `hazards`."""
    told: list[str] = [] if hazards is None else hazards
    pending, seen, links = [group], {group.id}, 0
    while pending:
        current = pending.pop()
        for key in current:
            links += 1
            if links > MAX_LINKS:
                raise FileBroken(Path(group.file.filename).name, f"more than {MAX_LINKS} links")
            name = f"{current.name.rstrip('/')}/{key}"
            link = current.get(key, getlink=True)
            item = current.get(key) if isinstance(link, h5py.HardLink) else None
            if isinstance(item, h5py.Dataset):
                yield name, item
            elif not isinstance(item, h5py.Group):
                told.append(_other_hazard(name, link, item))
            elif item.id in seen:
                told.append(f"'{name}' is one more name of a group that has one already")
            else:
                seen.add(item.id)
                pending.append(item)


def read_attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute's value: text or numbers. Raises FileBroken where it is anything else.

    Sequences of variable length crash the library when their type is damaged.
    """
    attribute = item.attrs.get_id(name)
    is_plain = attribute.get_type().get_class() in ATTRIBUTE_CLASSES
    if not is_plain or math.prod(attribute.shape or ()) > MAX_LINKS:
        why = f"the attribute '{name}' is neither a text nor a list of names"
        raise FileBroken(Path(item.file.filename).name, why)
    return item.attrs[name]


def _other_hazard(name: str, link: object, item: object) -> str:
    if link is None:
        return f"'{name}' can't be followed"
    if not isinstance(link, h5py.HardLink):
        return f"'{name}' is a link to somewhere else ({type(link).__name__})"
    return f"'{name}' is neither a group nor an array ({type(item).__name__})"


def _dataset_hazards(name: str, dataset: h5py.Dataset) -> Iterator[str]:
    if dataset.external:
        yield f"array '{name}' takes its data from another file"
    if dataset.is_virtual:
        yield f"array '{name}' is a virtual dataset"
    if not _holds_numbers(name, dataset):
        yield f"array '{name}' holds no numbers but {_told_type(dataset)}"
    create = dataset.id.get_create_plist()
    filters = {create.get_filter(index)[0] for index in range(create.get_nfilters())}
    if filters - FILTERS:
        yield f"array '{name}' needs the unknown HDF5 filter {sorted(filters - FILTERS)}"


def _holds_numbers(name: str, dataset: h5py.Dataset) -> bool:
    kind = dataset.dtype.kind
    if kind in NUMBERS:
        return True
    if kind in "OS":
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        return is_text and name.rpartition("/")[2] == WORDS
    # NumPy has no bfloat16: Keras writes it as two bytes without a meaning.
    return kind == "V" and dataset.dtype.itemsize == 2 and dataset.dtype.names is None


def _told_type(dataset: h5py.Dataset) -> str:
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return "text"
    if h5py.check_ref_dtype(dataset.dtype) is not None:
        return "references"
    return f"values of the type {dataset.dtype}"[:100]
