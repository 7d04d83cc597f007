"""All that can be said of one version's files and of what was compiled from them."""

from contextlib import suppress
from pathlib import Path

from service.base.compiled import digest_file, read_compiled
from service.base.refusals import ArtefactCorrupt, FileBroken
from service.base.strict_json import Json, parse_object
from service.repository.layout import Found, find_versions, scan
from service.repository.manifest import MANIFEST, MAX_BYTES, read_manifest
from service.repository.states import VersionRow
from service.web.admin.lineage import whole_lineage

MAX_DIGESTED_BYTES = 1024**3  # about a second's work


def portrait(row: VersionRow, repository: Path, compiled_dir: Path) -> Json:
    """One version; what isn't known of it is left out."""
    record: Json = {"version": row.version, "state": row.state.value, "artefact": row.artefact}
    if row.artefact:
        with suppress(ArtefactCorrupt):
            record |= _compiled(compiled_dir / row.artefact)
    found = _find(repository, row)
    if found is not None:
        record["files"] = _files(found)
        record |= _scores(found)
        told = None if found.home is None else whole_lineage(found.home)
        if told is not None:
            record["lineage"] = told
    return record


def _compiled(folder: Path) -> Json:
    compiled = read_compiled(folder)
    return {
        "format": compiled.format,
        "keras_version": compiled.keras_version,
        "engine": compiled.engine,
        "runtime": compiled.runtime,
        "parameters": compiled.parameters,
        "notes": list(compiled.notes),
        "signature": compiled.signature.as_json(),
    }


def _find(repository: Path, row: VersionRow) -> Found | None:
    """The version's files; none if they are gone, or the repository is."""
    try:
        if repository.is_file():
            return scan(repository)[0]
        return find_versions(repository, row.model).get(row.version)
    except OSError:
        return None


def _files(found: Found) -> Json:
    """Sizes and digests: those recorded at publication, else those of now."""
    recorded: dict[str, str] = {}
    if found.home is not None:
        with suppress(FileBroken):
            recorded = read_manifest(found.home) or {}
    is_much = sum(file.size for file in found.files) > MAX_DIGESTED_BYTES
    files: Json = {}
    for file in found.files:
        files[file.name] = {"size": file.size}
        digest = recorded.get(file.name) or ("" if is_much else _digest(file.path))
        if digest:
            files[file.name]["sha256"] = digest
    return files


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError:  # it goes away while it is looked at
        return ""


def _scores(found: Found) -> Json:
    """What the manifest tells of the version's quality, where who published it has told that."""
    if found.home is None:
        return {}
    path = found.home / MANIFEST
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return {}
        scores = parse_object(path.read_bytes()).get("scores")
    except (OSError, ValueError):
        return {}
    return {"scores": scores} if isinstance(scores, dict) else {}
