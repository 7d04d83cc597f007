"""`manifest.json`: the sha256 of a version's files, recorded when they were published.

    {"files": {"model.h5": {"sha256": "9f86d0…"}}, "parent": 2, "uploaded_by": "ann", "at": …}

An `.h5` file has no checksum of its own: a flipped bit loads without an error and answers wrong
numbers. Where a manifest lies beside the files, they are served only if they are those.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.base.refusals import FileBroken
from service.base.strict_json import parse_object

MANIFEST = "manifest.json"
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a version comes from: who uploaded it, when (ISO 8601), why, and after which version.

    `sha256` is that of all its files together; `key` that of the client's Idempotency-Key, or the
    job that trained it. `training` says of such a version how it was made, and what it scored.
    """

    uploaded_by: str = ""
    at: str = ""
    why: str = ""
    parent: int | None = None
    sha256: str = ""
    key: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)


def write_manifest(
    folder: Path, digests: Mapping[str, str], provenance: Provenance | None = None
) -> None:
    """Record the digests of files, given as name -> sha256, and where they come from."""
    (folder / MANIFEST).write_bytes(manifest_bytes(digests, provenance))


def manifest_bytes(digests: Mapping[str, str], provenance: Provenance | None = None) -> bytes:
    """The same, for a place that is no folder."""
    files = {name: {"sha256": digests[name]} for name in sorted(digests)}
    about = {} if provenance is None else asdict(provenance)
    record = {"files": files, **{key: value for key, value in about.items() if value}}
    return (json.dumps(record, indent=2) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, str] | None:
    """The recorded digests by name; none where there is no manifest. Raises FileBroken."""
    record = _read(folder)
    return None if record is None else _digests(record)


def parse_manifest(content: bytes) -> tuple[dict[str, str], Provenance]:
    """The digests and the origin that a manifest's bytes tell. Raises FileBroken."""
    try:
        record = parse_object(content)
    except ValueError as error:
        raise _unreadable(error) from error
    return _digests(record), _provenance(record)


def read_provenance(folder: Path) -> Provenance:
    """Where a version comes from, as far as its manifest tells. Raises FileBroken."""
    return _provenance(_read(folder) or {})


def _digests(record: Mapping[str, Any]) -> dict[str, str]:
    try:
        return {str(name): str(entry["sha256"]) for name, entry in record["files"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(error) from error


def _provenance(record: Mapping[str, Any]) -> Provenance:
    parent = record.get("parent")
    words = ("uploaded_by", "at", "why", "sha256", "key")
    told = {word: record[word] for word in words if isinstance(record.get(word), str)}
    training = record.get("training")
    return Provenance(
        **told,
        parent=parent if isinstance(parent, int) else None,
        training=training if isinstance(training, dict) else {},
    )


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / MANIFEST
    try:
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(folder.resolve().parent):
            raise FileBroken(MANIFEST, "is a link that leads out of the repository")
        if path.stat().st_size > MAX_BYTES:
            raise FileBroken(MANIFEST, f"is larger than {MAX_BYTES} bytes")
        return parse_object(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> FileBroken:
    return FileBroken(
        MANIFEST, f'can\'t be read as {{"files": {{NAME: {{"sha256": …}}}}}}: {error}'
    )


def check_published(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise FileBroken unless the files are exactly those of the manifest, if there is one."""
    recorded = read_manifest(folder)
    if recorded is None:
        return
    for name in sorted(recorded.keys() | digests.keys()):
        if name not in digests:
            raise FileBroken(name, "was published, but is missing now")
        if name not in recorded:
            raise FileBroken(name, "isn't in the manifest.json beside it")
        if recorded[name].lower() != digests[name]:
            raise FileBroken(
                name,
                f"its sha256 {digests[name]} isn't the one that was recorded when it was "
                f"published, {recorded[name][:64]}; copy the file again",
            )
