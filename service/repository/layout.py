"""The folder of models as it lies on the disk: which versions are there, made of which files.

    <repository>/<model>/model.yaml            optional
    <repository>/<model>/<version>/...         the files of one version
    <repository>/<model>/model.h5              a file without a version folder: version 1
    <repository>/<model>.h5                    the same, without a folder at all

The repository may also be one single model file. Nothing is read here but names, sizes, times
and the first bytes of files whose place doesn't tell what they are.
"""

import glob
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from service.base.magic import Kind, kind_of
from service.base.names import is_model_name, parse_version

MODEL_SUFFIXES = (".weights.h5", ".h5", ".hdf5", ".keras", ".json")
CLAIM = "claim.json"  # what is published into a bucket has one, which copies of it keep
NOT_SOURCES = frozenset({"model.yaml", "manifest.json", "examples.json", "warm_up.json", CLAIM})
IGNORED_SUFFIXES = frozenset({".md", ".txt", ".py", ".yaml", ".yml", ".csv", ".log"})
ASSETS = "assets"  # a SavedModel's vocabularies are its own files, whatever their suffix
CHECKPOINT_INDEX = ".index"
MAX_FILES = 1000
MAX_BYTES = 16 * 1024**3


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a version; `name` is its path below the version, `/` between folders."""

    name: str
    path: Path
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """One version as found; `problem` says why it can't even be looked at.

    `folder` is the model's, where `model.yaml` lies; `home` is where the version's own files lie.
    """

    model: str
    version: int
    folder: Path
    files: tuple[SourceFile, ...]
    problem: str = ""
    home: Path | None = None


def files_below(folder: Path) -> dict[str, Path]:
    """The files of one version that lie in a folder, by name. Raises OSError if it isn't there."""
    root = folder.resolve(strict=True)
    return {file.name: file.path for file in _sources(root, root)}


def scan(repository: Path) -> list[Found]:
    """All versions in the repository, by model and number. Raises OSError if it isn't there."""
    root = repository.resolve(strict=True)
    if root.is_file():
        return [_single_file(root)]
    found = {(item.model, item.version): item for item in _bare_files(root, root)}
    for entry in sorted(root.iterdir()):
        if is_model_name(entry.name) and entry.is_dir():
            found.update({(item.model, item.version): item for item in _scan_model(root, entry)})
    return [found[key] for key in sorted(found)]


def model_names(root: Path) -> set[str]:
    """The names that models of a repository have, with versions or without."""
    stems = {_stem(entry.name) if entry.is_file() else entry.name for entry in root.iterdir()}
    return {name for name in stems if name is not None and is_model_name(name)}


def find_versions(root: Path, model: str) -> dict[int, Found]:
    """What lies there of one model. Raises OSError if the repository isn't there."""
    root = root.resolve(strict=True)
    found = {item.version: item for item in _bare_files(root, root) if item.model == model}
    if (root / model).is_dir():
        found.update({item.version: item for item in _scan_model(root, root / model)})
    return found


def _scan_model(root: Path, folder: Path) -> Iterator[Found]:
    yield from _bare_files(root, folder, model=folder.name)
    for entry in sorted(folder.iterdir()):
        version = parse_version(entry.name)
        if version is not None and entry.is_dir():
            files = tuple(islice(_sources(root, entry), MAX_FILES + 1))
            problem = "" if files else f"the folder {entry.name}/ holds no regular model file"
            if len(files) > MAX_FILES:
                files, problem = files[:MAX_FILES], f"more than {MAX_FILES} files in {entry.name}/"
            problem = problem or _too_large(files)
            yield Found(folder.name, version, folder, files, problem, entry)


def _sources(root: Path, folder: Path) -> Iterator[SourceFile]:
    """The regular files of a version folder, subfolders included, that may be part of a model."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or name in NOT_SOURCES:
                continue
            path = Path(parent) / name
            is_asset = ASSETS in path.relative_to(folder).parts[:-1]
            if is_asset or path.suffix.lower() not in IGNORED_SUFFIXES:
                source = _source(root, path, str(path.relative_to(folder)))
                if source is not None:
                    yield source


def _bare_files(root: Path, folder: Path, model: str | None = None) -> Iterator[Found]:
    """Files that lie in `folder` itself: one model, or one model a name at the root."""
    groups: dict[str, list[SourceFile]] = defaultdict(list)
    for entry in sorted(folder.iterdir()):
        stem = _stem(entry.name)
        if stem is None or entry.name in NOT_SOURCES or entry.name.startswith("."):
            continue
        source = _source(root, entry, entry.name)
        if source is not None and _kind(source) != "other":
            groups[model or stem].append(source)
    for name, files in groups.items():
        if any(_kind(file) in ("hdf5", "zip") for file in files) and is_model_name(name):
            home = folder if model else None
            place = folder if model else folder / name
            yield Found(name, 1, place, tuple(files), _too_large(files), home)


def _too_large(files: Sequence[SourceFile]) -> str:
    """A file may declare any size and hold nothing; reading it would stop everything else."""
    size = sum(file.size for file in files)
    return f"its files are larger than {MAX_BYTES // 1024**3} GiB" if size > MAX_BYTES else ""


def _single_file(path: Path) -> Found:
    stem = _stem(path.name) or path.stem
    model = stem if is_model_name(stem) else "model"
    files = [_source(path.parent, path, path.name)]
    if kind_of(path) == "json":
        files += [_source(path.parent, other, other.name) for other in _weights_beside(path, stem)]
    elif path.name.endswith(CHECKPOINT_INDEX):
        files += [_source(path.parent, shard, shard.name) for shard in _shards(path)]
    return Found(model, 1, path.parent / model, tuple(file for file in files if file))


def _shards(index: Path) -> list[Path]:
    """The data files of a TensorFlow checkpoint."""
    return sorted(index.parent.glob(f"{glob.escape(index.stem)}.data-*"))


def _weights_beside(path: Path, stem: str) -> list[Path]:
    """The weights that belong to an architecture file: of its name, else the only ones there."""
    others = [p for p in sorted(path.parent.iterdir()) if p.is_file() and p != path]
    hdf5 = [p for p in others if _stem(p.name) and kind_of(p) == "hdf5"]
    named = [p for p in hdf5 if _stem(p.name) in (stem, f"{stem}_weights", f"{stem}-weights")]
    indexes = [p for p in others if p.name.endswith(CHECKPOINT_INDEX)]
    if not hdf5 and len(indexes) == 1:
        return [*indexes, *_shards(indexes[0])]
    return named[:1] or (hdf5 if len(hdf5) == 1 else [])


def _kind(source: SourceFile) -> Kind:
    """The file's kind; one that can't be opened passes for a model, so that its reason is told."""
    try:
        return kind_of(source.path)
    except OSError:
        return "hdf5"


def _stem(name: str) -> str | None:
    for suffix in MODEL_SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return None


def _source(root: Path, path: Path, name: str) -> SourceFile | None:
    """The file, if it is a regular one that lies inside the repository once links are followed."""
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError):  # gone meanwhile, a dangling link, a circle of links
        return None
    if not real.is_file() or not real.is_relative_to(root) or not _is_utf8(name, str(real)):
        return None
    return SourceFile(name, real, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_utf8(*names: str) -> bool:
    """False if one is no UTF-8; such a name can't be recorded."""
    try:
        return bool("".join(names).encode())
    except UnicodeEncodeError:
        return False
