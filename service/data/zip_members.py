"""Read a zip archive strictly: a small table of contents, members that neither overlap nor lie."""

import os
import struct
import zlib
from dataclasses import dataclass

from service.data.dataset import MIB, DataLimits
from service.data.source import Source
from service.data.wording import quoted

END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
MAX_MEMBERS = 256
MAX_TABLE_BYTES = 64 * 1024
STORED, DEFLATED = 0, 8
ENCRYPTED_FLAGS = 0b0010_0000_0100_0001
# Below it a member may grow as it likes.
SMALL_BYTES = 16 * MIB
# A member that was written to a stream has its sizes once more behind it.
DESCRIPTOR_BYTES = 24
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the table of contents, with the place of its bytes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    entry_offset: int
    data_offset: int


def list_members(source: Source, limits: DataLimits) -> list[Member]:
    """Every member of the archive. Raises DataRefused if anything about them is unusual."""
    count, table, table_offset = _read_table(source)
    members = []
    position = 0
    for _ in range(count):
        if position + ENTRY.size > len(table):
            raise _damaged(source, "its table of contents is too short")
        member, position = _read_entry(source, table, position)
        members.append(member)
    if position != len(table):
        raise _damaged(source, "its table of contents is too long")
    _check_members(source, members, table_offset, limits)
    return members


def _read_table(source: Source) -> tuple[int, bytes, int]:
    handle = source.stream.fileno()
    tail = os.pread(handle, END.size, max(source.size - END.size, 0))
    if len(tail) < END.size or not tail.startswith(b"PK\5\6"):
        raise _damaged(source, "its table of contents is missing")
    _, disk, table_disk, here, count, length, offset, comment = END.unpack(tail)
    if disk or table_disk or comment or here != count:
        raise _damaged(source, "its last bytes are unusual")
    if count > MAX_MEMBERS or length > MAX_TABLE_BYTES:
        raise source.refused("", f"has {count} members", f"at most {MAX_MEMBERS}")
    if offset + length + END.size != source.size:
        raise _damaged(source, "its table of contents isn't where it should be")
    return count, os.pread(handle, length, offset), offset


def _read_entry(source: Source, table: bytes, position: int) -> tuple[Member, int]:
    fields = ENTRY.unpack_from(table, position)
    signature, _, _, flags, method, _, _, crc, packed, size, name_length, extra, comment = fields[
        :13
    ]
    offset = fields[16]
    start = position + ENTRY.size
    raw = table[start : start + name_length]
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise _damaged(source, "a member's name is no UTF-8") from error
    if signature != b"PK\1\2" or len(raw) != name_length:
        raise _damaged(source, "its table of contents is damaged")
    if flags & ENCRYPTED_FLAGS:
        raise source.refused(f"the member {quoted(name)}", "is encrypted", "no encryption")
    if method not in (STORED, DEFLATED):
        wrong = f"is packed by the method {method}"
        raise source.refused(f"the member {quoted(name)}", wrong, "what numpy.savez writes")
    if method == STORED and packed != size:
        raise _damaged(source, f"the member {quoted(name)} has two different sizes")
    data_offset = _data_offset(source, raw, offset)
    member = Member(name, method, crc, packed, size, offset, data_offset)
    return member, start + name_length + extra + comment


def _data_offset(source: Source, name: bytes, offset: int) -> int:
    """Where a member's bytes begin; its own header must agree with the table on its name."""
    head = os.pread(source.stream.fileno(), LOCAL.size + len(name), offset)
    if len(head) < LOCAL.size + len(name) or not head.startswith(b"PK\3\4"):
        raise _damaged(source, "a member isn't where its table of contents says")
    name_length, extra = LOCAL.unpack_from(head)[9:11]
    if name_length != len(name) or head[LOCAL.size :] != name:
        raise _damaged(source, "a member has two different names")
    return offset + LOCAL.size + int(name_length) + int(extra)


def _check_members(
    source: Source, members: list[Member], table_offset: int, limits: DataLimits
) -> None:
    names: set[str] = set()
    for member in members:
        where = f"the member {quoted(member.name)}"
        if member.name in names:
            raise source.refused(where, "stands twice in the archive", "each name once")
        names.add(member.name)
        if member.size > max(SMALL_BYTES, limits.max_ratio * member.packed):
            wrong = f"would grow from {member.packed} bytes to {member.size}"
            raise source.refused(where, wrong, f"at most {limits.max_ratio} times its size")
    ordered = sorted(members, key=lambda member: member.entry_offset)
    starts = [member.entry_offset for member in ordered[1:]] + [table_offset]
    for member, following in zip(ordered, starts, strict=False):
        gap = following - member.data_offset - member.packed
        if gap < 0:
            raise _damaged(source, f"the member {quoted(member.name)} overlaps what follows it")
        if gap > DESCRIPTOR_BYTES:
            raise _damaged(source, f"bytes behind {quoted(member.name)} belong to no member")
    if ordered and ordered[0].entry_offset:
        raise _damaged(source, "bytes at its beginning belong to no member")


class MemberReader:
    """The unpacked bytes of a member from its beginning, never more than it declares."""

    def __init__(self, source: Source, member: Member, where: str) -> None:
        self.size = member.size
        self._source = source
        self._member = member
        self._where = where
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
        self._position = 0
        self._crc = 0

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises DataRefused if the member is damaged."""
        pieces = []
        missing = count
        while missing:
            piece = self._unpack(missing)
            if not piece:
                raise self._damage("it ends too early")
            pieces.append(piece)
            missing -= len(piece)
        found = b"".join(pieces)
        self._crc = zlib.crc32(found, self._crc)
        return found

    def finish(self) -> None:
        """Raise DataRefused unless everything was read and has the right checksum."""
        is_over = self._inflate is None or self._inflate.eof or not self._unpack(1)
        if not is_over or self._crc != self._member.crc:
            raise self._damage("its checksum is wrong")

    def _unpack(self, most: int) -> bytes:
        if self._inflate is None:
            return self._packed(min(most, CHUNK * 16))
        try:
            while not self._inflate.eof:
                packed = self._inflate.unconsumed_tail or self._packed(CHUNK)
                piece = self._inflate.decompress(packed, most)
                if piece or not packed:
                    return piece
        except zlib.error as error:
            raise self._damage(str(error)) from error
        return b""

    def _packed(self, most: int) -> bytes:
        most = min(most, self._member.packed - self._position)
        offset = self._member.data_offset + self._position
        found = os.pread(self._source.stream.fileno(), most, offset)
        self._position += len(found)
        return found

    def _damage(self, why: str) -> Exception:
        return self._source.refused(self._where, f"is damaged ({why})", "an undamaged file")


def _damaged(source: Source, why: str) -> Exception:
    return source.refused("", f"is a damaged zip archive: {why}", "what numpy.savez writes")
