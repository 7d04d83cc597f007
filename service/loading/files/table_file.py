"""The sorted table in which TensorFlow keeps a checkpoint's index: keys and values, checksummed.

The layout is LevelDB's. A file is a sequence of blocks; its last 48 bytes say where the block lies
that lists the others:

    block   entries, then where they restart (4 bytes each), then how many restarts (4 bytes)
    entry   bytes shared with the key before, further key bytes, value bytes (varints); both
    after   each block: one byte for its compression, four for its checksum
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from service.base.refusals import FileBroken
from service.loading.files.crc32c import masked_crc32c

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_BYTES = 48
TRAILER_BYTES = 5
NO_COMPRESSION, SNAPPY = 0, 1
MAX_BYTES = 64 * 1024**2
MAX_ENTRIES = 1_000_000
MAX_KEY_BYTES = 4096


def is_table(path: Path) -> bool:
    """True for a regular file that ends as such a table does; whatever its name."""
    try:
        handle = open_regular(path)
    except OSError:
        return False
    try:
        size = os.fstat(handle).st_size
        return size >= FOOTER_BYTES and os.pread(handle, 8, size - 8) == MAGIC
    finally:
        os.close(handle)


def read_table(path: Path) -> dict[bytes, bytes]:
    """All entries, in the order of their keys. Raises FileBroken."""
    content = _read(path)
    if len(content) < FOOTER_BYTES or content[-8:] != MAGIC:
        raise FileBroken(path.name, "is no index of a TensorFlow checkpoint, or its end is missing")
    table: dict[bytes, bytes] = {}
    last = None
    try:
        for key, value in _entries(content):
            if last is not None and key <= last:
                raise ValueError("its keys are not in order")
            if len(table) >= MAX_ENTRIES:
                raise ValueError(f"it has more than {MAX_ENTRIES} entries")
            table[key], last = value, key
    except ValueError as error:
        raise FileBroken(path.name, f"the checkpoint's index is damaged: {error}") from error
    return table


def varint(content: bytes, position: int, limit: int) -> tuple[int, int]:
    """An unsigned number and the position after it. Raises ValueError beyond `limit`."""
    value = shift = 0
    while position < limit and shift < 64:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number in it is cut off")


def open_regular(path: Path) -> int:
    """A handle for reading. Raises OSError for anything else, such as a FIFO, without waiting."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "it is no regular file")
    return handle


def _read(path: Path) -> bytes:
    try:
        handle = open_regular(path)
        with os.fdopen(handle, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileBroken(path.name, f"can't be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise FileBroken(path.name, f"the index is larger than {MAX_BYTES} bytes")
    return content


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = content[-FOOTER_BYTES:]
    _, _, position = _block_place(footer, 0)  # the block of filters, which has none
    offset, size, _ = _block_place(footer, position)
    for _, place in _block_entries(_block(content, offset, size)):
        offset, size, _ = _block_place(place, 0)
        yield from _block_entries(_block(content, offset, size))


def _block_place(content: bytes, position: int) -> tuple[int, int, int]:
    offset, position = varint(content, position, len(content))
    size, position = varint(content, position, len(content))
    return offset, size, position


def _block(content: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + TRAILER_BYTES > len(content) - FOOTER_BYTES:
        raise ValueError("one of its blocks lies outside of the file")
    if masked_crc32c(content[offset : end + 1]) != int.from_bytes(
        content[end + 1 : end + 5], "little"
    ):
        raise ValueError("the checksum of one of its blocks is wrong")
    if content[end] == SNAPPY:
        raise ValueError("it is compressed with Snappy, which isn't read; write it anew")
    if content[end] != NO_COMPRESSION:
        raise ValueError(f"its compression {content[end]} is unknown")
    return content[offset:end]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = len(block) - 4
    restarts = int.from_bytes(block[-4:], "little") if end >= 0 else -1
    end -= 4 * restarts
    if restarts < 0 or end < 0:
        raise ValueError("one of its blocks is cut off")
    position, key = 0, b""
    while position < end:
        shared, position = varint(block, position, end)
        further, position = varint(block, position, end)
        length, position = varint(block, position, end)
        if shared > len(key) or position + further + length > end:
            raise ValueError("an entry in it is cut off")
        key = key[:shared] + block[position : position + further]
        if len(key) > MAX_KEY_BYTES:
            raise ValueError(f"a name in it is longer than {MAX_KEY_BYTES} bytes")
        yield key, block[position + further : position + further + length]
        position += further + length
