"""A request's body as it comes in, piece by piece."""

SMALL = 4096
OVERHEAD, OVERHEAD_FREE = 8, 64 * 1024


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
        return self.wire_bytes > OVERHEAD * self.size + OVERHEAD_FREE

    def take(self) -> bytes:
        """All of it; to be called once."""
        pieces = self._pieces
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            return pieces[0]
        return b"".join(pieces)
