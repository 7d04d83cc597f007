"""Whether files are in the repository already, by their digests or an earlier call's key."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.base.compiled import digest_file
from service.base.http_errors import UploadRefused
from service.base.refusals import FileBroken
from service.repository.layout import Found, find_versions
from service.repository.manifest import read_manifest, read_provenance


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files that somebody wants to publish; `key` is the sha256 of their Idempotency-Key.

    With `is_once` the same files are the same version.
    """

    model: str
    digests: Mapping[str, str]
    key: str = ""
    is_once: bool = True


def content_digest(digests: Collection[str]) -> str:
    """One digest for a set of files, whatever their names; that of the file if there is one."""
    if len(digests) == 1:
        return next(iter(digests))
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def find_published(root: Path, wanted: Wanted, sizes: list[int] | None = None) -> int | None:
    """The version that these files are already.

    A version without a manifest is read if `sizes`, the files' own, are those of its files.
    Raises UploadRefused when the key stands for other files.
    """

    def recorded() -> Iterator[tuple[int, str, str]]:
        for version, found in find_versions(root, wanted.model).items():
            theirs, key = _recorded(found)
            if not theirs and sizes is not None and sorted(f.size for f in found.files) == sizes:
                theirs = _read(found)
            yield version, theirs, key

    return choose_published(wanted, recorded())


def choose_published(wanted: Wanted, recorded: Iterable[tuple[int, str, str]]) -> int | None:
    """The same, among versions given with the digest of their files and the key of their call."""
    ours = content_digest(wanted.digests.values())
    same: int | None = None
    for version, theirs, key in recorded:
        if wanted.key and key == wanted.key:
            if theirs != ours:
                raise UploadRefused(
                    f"The Idempotency-Key was used for other files, those of version {version}; "
                    "other files need another key"
                )
            return version
        if wanted.is_once and theirs == ours:
            same = version
    return same


def digest_of(folder: Path) -> str:
    """The digest of a version's files as it was recorded; empty where it wasn't."""
    try:
        digests = read_manifest(folder)
    except FileBroken:
        return ""
    return content_digest(digests.values()) if digests else ""


def _recorded(found: Found) -> tuple[str, str]:
    """Digest and key out of a version's manifest; empty where there is none that can be read."""
    if found.home is None:
        return "", ""
    try:
        key = read_provenance(found.home).key
    except FileBroken:
        return "", ""
    return digest_of(found.home), key


def _read(found: Found) -> str:
    try:
        return content_digest([digest_file(file.path) for file in found.files])
    except OSError:  # gone meanwhile
        return ""
