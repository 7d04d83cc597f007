"""A multipart form as it arrives: each file to the disk, each field kept if it is short.

Written out here because a model file is given back to the byte: readers that also take lone CR or
LF for line ends add or lose a byte where a piece of the body happens to end.
"""

from collections.abc import Callable
from typing import Protocol

from werkzeug.http import parse_options_header

from service.base.errors import RequestInvalid

MAX_PARTS = 1000
MAX_FIELD_BYTES = 16 * 1024
MAX_HEAD_BYTES = 16 * 1024
PIECE = 256 * 1024
LINE_END, HEAD_END, LAST = b"\r\n", b"\r\n\r\n", b"--"
SPACES = b" \t"
DISPOSITION = b"content-disposition:"


class Target(Protocol):
    """Where the bytes of one file go."""

    def write(self, data: bytes | bytearray) -> None:
        """The next bytes."""
        ...

    def close(self) -> None:
        """That was all."""
        ...


class Field:
    """A short value."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value = bytearray()

    def write(self, data: bytes | bytearray) -> None:
        """The next bytes. Raises RequestInvalid when they get too many."""
        self.value += data
        if len(self.value) > MAX_FIELD_BYTES:
            raise RequestInvalid(
                f"The form's field {self.name[:40]!a} is longer than {MAX_FIELD_BYTES} bytes; "
                "a file needs a filename"
            )

    def close(self) -> None:
        """That was all."""


class Form:
    """`open_file` gets the name of each file that begins; the fields are complete at the end."""

    def __init__(self, boundary: bytes, open_file: Callable[[str], Target]) -> None:
        self._mark = LINE_END + LAST + boundary
        self._open_file = open_file
        self._buffer = bytearray(LINE_END)  # the first boundary may be the very beginning
        self._step: Callable[[], bool] = self._skip
        self._part: Target | None = None
        self._parts = 0
        self._fields: dict[str, Field] = {}

    @property
    def fields(self) -> dict[str, str]:
        """The values by name."""
        return {name: field.value.decode(errors="replace") for name, field in self._fields.items()}

    def write(self, data: bytes | bytearray) -> None:
        """The next bytes of the body. Raises RequestInvalid for what is no form."""
        view = memoryview(data)
        for start in range(0, len(data), PIECE):
            self._buffer += view[start : start + PIECE]
            while self._step():
                pass

    def close(self) -> None:
        """That was all of the body. Raises RequestInvalid if the form has no end."""
        if self._step != self._end:
            raise RequestInvalid("The form ends before its last boundary")

    # Each step takes what it can from the buffer, and is false when it needs more.

    def _skip(self) -> bool:
        """What comes before the first boundary is nobody's."""
        return self._until_mark(None)

    def _copy(self) -> bool:
        return self._until_mark(self._part)

    def _until_mark(self, target: Target | None) -> bool:
        at = self._buffer.find(self._mark)
        # What may be the beginning of a boundary waits for the rest of it.
        end = at if at >= 0 else max(0, len(self._buffer) - len(self._mark) + 1)
        if target is not None and end:
            target.write(bytes(memoryview(self._buffer)[:end]))
        if at < 0:
            del self._buffer[:end]
            return False
        del self._buffer[: at + len(self._mark)]
        if target is not None:
            target.close()
        self._part, self._step = None, self._after_mark
        return True

    def _after_mark(self) -> bool:
        """The end of a boundary's line: another part follows, or nothing does."""
        if self._buffer.startswith(LAST):
            self._step = self._end
            return True
        at = self._buffer.find(LINE_END)
        if at < 0 and len(self._buffer) <= MAX_HEAD_BYTES:
            return False
        if at < 0 or self._buffer[:at].strip(SPACES):
            raise RequestInvalid("The form's boundary stands in the middle of a line")
        del self._buffer[:at]  # the line's end stays: a head without headers is it alone
        self._step = self._open
        return True

    def _open(self) -> bool:
        at = self._buffer.find(HEAD_END)
        if at < 0 and len(self._buffer) <= MAX_HEAD_BYTES:
            return False
        if at < 0 or at > MAX_HEAD_BYTES:
            raise RequestInvalid(f"The head of a part is longer than {MAX_HEAD_BYTES} bytes")
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RequestInvalid(f"The form has more than {MAX_PARTS} parts")
        self._part = self._begin(bytes(self._buffer[:at]))
        del self._buffer[: at + len(HEAD_END)]
        self._step = self._copy
        return True

    def _begin(self, head: bytes) -> Target:
        lines = [line for line in head.split(LINE_END) if line.lower().startswith(DISPOSITION)]
        if len(lines) != 1:
            raise RequestInvalid("A part of the form needs one Content-Disposition")
        try:
            text = lines[0][len(DISPOSITION) :].decode()
        except UnicodeDecodeError as error:
            raise RequestInvalid("A part's Content-Disposition is no UTF-8") from error
        _, options = parse_options_header(text)
        if "filename" in options:
            return self._open_file(options["filename"])
        name = options.get("name", "")
        if name in self._fields:
            raise RequestInvalid(f"The form has the field {name[:40]!a} twice")
        field = self._fields[name] = Field(name)
        return field

    def _end(self) -> bool:
        """What comes after the last boundary is nobody's."""
        self._buffer.clear()
        return False
