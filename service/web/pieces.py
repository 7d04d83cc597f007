"""A request's body as it comes in, piece by piece."""

from typing import Protocol

SMALL = 4096
OVERHEAD, OVERHEAD_FREE = 8, 64 * 1024


class Body(Protocol):
    """What a reader puts a body into."""

    @property
    def size(self) -> int:
        """Bytes that came."""
        ...

    @property
    def held(self) -> int:
        """Bytes of it that are in memory."""
        ...

    def add(self, piece: bytes) -> bool:
        """Keep a piece; false if it would be more than may be."""
        ...

    def is_wrapped_thickly(self, more: int) -> bool:
        """True once what came over the wire is many times the body: endless chunk extensions."""
        ...

    def take(self) -> bytes:
        """All of it is here; what of it is in memory."""
        ...

    def close(self) -> None:
        """It won't be complete."""
        ...


def is_wrapped_thickly(wire_bytes: int, size: int) -> bool:
    """True if what came over the wire is many times the body."""
    return wire_bytes > OVERHEAD * size + OVERHEAD_FREE


class Pieces:
    """Many tiny pieces are kept as few: a chunk of one byte must not cost fifty."""

    __slots__ = ("_pieces", "most", "size", "wire_bytes")

    def __init__(self, most: int) -> None:
        self._pieces: list[bytes | bytearray] = []
        self.most = most
        self.size = 0
        self.wire_bytes = 0

    def add(self, piece: bytes) -> bool:
        """Keep a piece; false if it would be more than `most`."""
        self.size += len(piece)
        if self.size > self.most:
            return False
        pieces = self._pieces
        if not pieces or len(piece) >= SMALL:
            pieces.append(piece)
        elif isinstance(pieces[-1], bytearray):
            pieces[-1] += piece
        else:
            pieces.append(bytearray(piece))
        return True

    def is_wrapped_thickly(self, more: int) -> bool:
        """True once what came over the wire is many times the body: endless chunk extensions."""
        self.wire_bytes += more
        return is_wrapped_thickly(self.wire_bytes, self.size)

    @property
    def held(self) -> int:
        """Bytes of it that are in memory."""
        return self.size

    def close(self) -> None:
        """Nothing but memory is to be given back."""

    def take_all(self) -> list[bytes | bytearray]:
        """The pieces; to be called once."""
        return self._pieces

    def take(self) -> bytes:
        """All of it; to be called once."""
        pieces = self._pieces
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            return pieces[0]
        return b"".join(pieces)
