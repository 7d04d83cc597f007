"""What an HDF5 file of Keras may consist of: groups and arrays of numbers, nothing from elsewhere.

Everything is judged by what the file declares, before any array is read.
"""

from collections.abc import Iterator
from pathlib import Path

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
NUMBERS = "fiub"  # floats, integers of both kinds, truth values
WORDS = "vocabulary"  # the one array that may hold text
SUPERBLOCK_BYTES = 64


def check_end(path: Path) -> None:
    """Raise FileUnsafe if something follows the HDF5 data, which another reader might take up."""
    with path.open("rb") as stream:
        end = declared_end(stream.read(SUPERBLOCK_BYTES))
    extra = path.stat().st_size - end
    if end and extra > 0:
        raise FileUnsafe(path.name, [f"{extra} bytes follow the end of its HDF5 data"])


def declared_end(head: bytes) -> int:
    """Where the file ends by its own word; 0 if it doesn't begin with a superblock we know."""
    if len(head) < SUPERBLOCK_BYTES or not head.startswith(HDF5_SIGNATURE):
        return 0
    version = head[8]
    if version > 3:
        return 0
    width, start = (head[13], 24 + 4 * version) if version < 2 else (head[9], 12)
    return int.from_bytes(head[start + 2 * width : start + 3 * width], "little")


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


def _other_hazard(name: str, link: object, item: object) -> str:
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
