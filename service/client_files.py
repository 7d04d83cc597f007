"""The client's way to send files: read from the disk while they go out, never all in memory."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileBody:
    """One file as it is."""

    path: Path

    @property
    def content_type(self) -> str:
        """Bytes and no more."""
        return "application/octet-stream"

    def __len__(self) -> int:
        return self.path.stat().st_size

    def __iter__(self) -> Iterator[bytes]:
        yield from _pieces(self.path)


@dataclass(frozen=True, slots=True)
class FormBody:
    """Several files by name, as a form of browsers has them."""

    files: Mapping[str, Path]
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def content_type(self) -> str:
        """With the line that stands between the files."""
        return f"multipart/form-data; boundary={self.boundary}"

    def __len__(self) -> int:
        sizes = (path.stat().st_size for path in self.files.values())
        heads = (len(self._head(name)) + 2 for name in self.files)
        return sum(sizes) + sum(heads) + len(self._end())

    def __iter__(self) -> Iterator[bytes]:
        for name, path in self.files.items():
            yield self._head(name)
            yield from _pieces(path)
            yield b"\r\n"
        yield self._end()

    def _head(self, name: str) -> bytes:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{self.boundary}\r\nContent-Disposition: form-data; name="file"; '
        return f'{head}filename="{quoted}"\r\n\r\n'.encode()

    def _end(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode()


def named_files(paths: Sequence[Path]) -> dict[str, Path]:
    """The files of one version by name: those named, or all that lie below a folder.

    Raises ValueError for none, and for two of the same name.
    """
    files: dict[str, Path] = {}
    for path in paths:
        below = sorted(inner for inner in path.rglob("*") if inner.is_file())
        for name, file in (
            [(inner.relative_to(path).as_posix(), inner) for inner in below]
            if path.is_dir()
            else [(path.name, path)]
        ):
            if name in files:
                raise ValueError(f"two of the files have the name {name}")
            files[name] = file
    if not files:
        raise ValueError("there is no file to be sent")
    return files


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
