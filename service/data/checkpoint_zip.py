"""A TensorFlow checkpoint sent as one file: a zip archive of its index and its data files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from service.base.refusals import DataRefused
from service.data.dataset import DataLimits
from service.data.reader import open_regular
from service.data.source import Source
from service.data.wording import file_text, listing, quoted
from service.data.zip_members import Member, MemberReader, list_members

ZIP, INDEX = ".zip", ".index"
PART = re.compile(r"\.data-\d{5}-of-\d{5}$")
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+-]{0,149}")  # what a checkpoint may be called
LATEST = "checkpoint"  # lies beside checkpoints and says which is the latest
WEIGHTS = "model.weights.h5"  # of a .keras file, an archive of another kind
EXPECTED = "one checkpoint: NAME.index and its NAME.data-00000-of-00001"
MAX_TOTAL_BYTES = 4 * 1024**3
PIECE_BYTES = 1024**2


def check_checkpoint(path: Path) -> None:
    """Raise DataRefused for an archive that holds neither a checkpoint nor a `.keras` file."""
    with _opened(path) as source:
        members = list_members(source, DataLimits())
        if all(member.name != WEIGHTS for member in members):
            _parts(source, members)


def is_checkpoint(path: Path) -> bool:
    """Whether an archive holds a checkpoint. Raises DataRefused for a damaged one."""
    with _opened(path) as source:
        return any(one.name.endswith(INDEX) for one in list_members(source, DataLimits()))


def unpack_checkpoint(path: Path, folder: Path) -> Path:
    """Write the parts of a checkpoint into a folder; its index. Raises DataRefused, OSError.

    Of a member's name only the last part is used, so that none lands elsewhere.
    """
    with _opened(path) as source:
        parts = _parts(source, list_members(source, DataLimits()))
        for name, member in parts.items():
            reader = MemberReader(source, member, f"the member {quoted(name)}")
            with (folder / name).open("xb") as out:
                left = member.size
                while left:
                    left -= out.write(reader.read(min(left, PIECE_BYTES)))
                reader.finish()
    return next(folder / name for name in parts if name.endswith(INDEX))


def _parts(source: Source, members: list[Member]) -> dict[str, Member]:
    """The index and the data files by their plain names."""
    files = [one for one in members if not one.name.endswith("/")]
    named = {PurePosixPath(one.name).name: one for one in files}
    named.pop(LATEST, None)
    indices = [name.removesuffix(INDEX) for name in named if name.endswith(INDEX)]
    begun = {PART.sub("", name) for name in named if PART.search(name)}
    is_one = len(indices) == 1 and [*begun] == indices and bool(PLAIN.fullmatch(indices[0]))
    is_one = is_one and all(name.endswith(INDEX) or PART.search(name) for name in named)
    is_distinct = len({PurePosixPath(one.name).name for one in files}) == len(files)
    if not is_one or not is_distinct:
        raise source.refused("", f"has the members {listing(tuple(named)) or 'none'}", EXPECTED)
    total = sum(one.size for one in named.values())
    if total > MAX_TOTAL_BYTES:
        raise source.refused("", f"unpacks to {total} bytes", f"at most {MAX_TOTAL_BYTES}")
    return named


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    file = file_text(path.name)
    with open_regular(path, file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if not size:
            raise DataRefused(file, "", "is empty", EXPECTED)
        yield Source(file, stream, size)
