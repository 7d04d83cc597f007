"""A .tar.gz of files whose bytes depend on nothing but names, contents and one time."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

PLAIN, PROGRAM = 0o644, 0o755


def write_archive(target: Path, root: Path, names: Iterable[str], prefix: str, when: int) -> None:
    """Pack files below `root` by their names, under `prefix`, as if made at `when` by nobody."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(set(names)):
            path = root / name
            member = tarfile.TarInfo(f"{prefix}/{name}" if prefix else name)
            member.size, member.mtime = path.stat().st_size, when
            member.mode = PROGRAM if path.stat().st_mode & 0o100 else PLAIN
            with path.open("rb") as file:
                archive.addfile(member, file)
    # No name and no time in gzip's own head.
    with target.open("wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as compressed:
        compressed.write(packed.getvalue())


def files_below(root: Path, *names: str) -> list[str]:
    """Files by their paths in `root`: those named, and all below the folders named."""
    found: list[str] = []
    for name in names:
        path = root / name
        if path.is_dir():
            found += [str(one.relative_to(root)) for one in path.rglob("*") if one.is_file()]
        else:
            found.append(name)
    return sorted(found)
