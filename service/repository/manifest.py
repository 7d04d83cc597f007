"""`manifest.json`: the sha256 of a version's files, recorded when they were published.

    {"files": {"model.h5": {"sha256": "9f86d0…"}}}

An `.h5` file has no checksum of its own: a flipped bit loads without an error and answers wrong
numbers. Where a manifest lies beside the files, they are served only if they are those.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from service.base.refusals import FileBroken
from service.base.strict_json import parse_object

MANIFEST = "manifest.json"
MAX_BYTES = 1024 * 1024


def write_manifest(folder: Path, digests: Mapping[str, str]) -> None:
    """Record the digests of files, given as name -> sha256."""
    files = {name: {"sha256": digests[name]} for name in sorted(digests)}
    (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=2) + "\n")


def read_manifest(folder: Path) -> dict[str, str] | None:
    """The recorded digests by name; none where there is no manifest. Raises FileBroken."""
    path = folder / MANIFEST
    try:
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(folder.resolve().parent):
            raise FileBroken(MANIFEST, "is a link that leads out of the repository")
        if path.stat().st_size > MAX_BYTES:
            raise FileBroken(MANIFEST, f"is larger than {MAX_BYTES} bytes")
        record = parse_object(path.read_bytes())
        return {str(name): str(entry["sha256"]) for name, entry in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileBroken(
            MANIFEST, f'can\'t be read as {{"files": {{NAME: {{"sha256": …}}}}}}: {error}'
        ) from error


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
