"""What the keys of a listing mean: models, their versions, files beside them; bad keys left out.

Keys are others' words. A path is made of one only after it has passed the rules here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from service.base.names import is_model_name, parse_version
from service.repository.layout import CLAIM, MAX_BYTES, MAX_FILES, MODEL_SUFFIXES
from service.repository.manifest import MANIFEST
from service.repository.model_config import CONFIG_NAME
from service.repository.remote.bucket import Object
from service.repository.sample_requests import EXAMPLES_NAME, WARM_UP_NAME

MEANT = ".kerasd"  # says that a repository may be empty, for otherwise it is taken to be away
BESIDE = frozenset({CONFIG_NAME, EXAMPLES_NAME, WARM_UP_NAME})
MAX_BESIDE = 4 * 1024**2
LONGEST_NAME = 255
LONGEST_KEY = 1024

Objects = Mapping[str, Object]
Key = tuple[str, int]  # model and version
One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Folder:
    """The objects of one version, by their names below it; `problem` says why it isn't taken."""

    objects: Objects
    problem: str = ""

    @property
    def is_published(self) -> bool:
        """True when there is a manifest, which comes last."""
        return MANIFEST in self.objects

    @property
    def is_claimed(self) -> bool:
        """True while somebody writes it, or has died at it."""
        return CLAIM in self.objects and not self.is_published


@dataclass(frozen=True, slots=True)
class Tree:
    """A repository as it was listed; `loose` are files of models outside of version folders."""

    versions: Mapping[Key, Folder] = field(default_factory=dict)
    loose: Objects = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def models(self) -> set[str]:
        """The names of models, with versions or without."""
        beside = (path.partition("/") for path in self.loose)
        names = {first if slash else model_of(first) for first, slash, _ in beside}
        return names | {model for model, _ in self.versions}

    def served(self) -> frozenset[Key]:
        """Versions that are there, whole or not, with keys that are refused too: whoever serves
        one has it from before. No folders that are only claimed.
        """
        bare = {_version_of(path) for path in self.loose}
        left_out = {_version_of(key) for key in self.refused}
        return frozenset(key for key in bare | left_out if key is not None) | self.folders()

    def folders(self) -> frozenset[Key]:
        """Versions in folders that are not only claimed."""
        return frozenset(key for key, folder in self.versions.items() if not folder.is_claimed)

    def numbers(self, model: str) -> set[int]:
        """Numbers of the model's versions, claimed ones too."""
        return {version for name, version in self.versions if name == model}


def read_tree(objects: Objects, first: Collection[str] = ()) -> Tree:
    """Sort out a whole listing; of two keys that exclude each other those of `first` stay."""
    folders: dict[Key, dict[str, Object]] = {}
    loose: dict[str, Object] = {}
    kept, refused = _passing(objects, first)
    for key in kept:
        version = _folder_of(key)
        if version is None:
            loose[key] = objects[key]
        else:
            folders.setdefault(version, {})[key.split("/", 2)[2]] = objects[key]
    found = {key: Folder(names, _problem(names)) for key, names in folders.items()}
    return Tree(found, loose, tuple(refused))


def model_of(name: str) -> str:
    """The model whose file this is, at the root."""
    suffix = next((one for one in MODEL_SUFFIXES if name.lower().endswith(one)), "")
    return name[: len(name) - len(suffix)]


def is_weights(path: str) -> bool:
    """True for what makes a model of files without a version folder; a `.json` alone is none."""
    return path.lower().endswith((".h5", ".hdf5", ".keras"))


def place_of(path: str) -> str:
    """What a file comes and goes with: its version, or its model's others without a folder.

    The files of BESIDE come alone.
    """
    parts = path.split("/")
    if len(parts) > 2:
        return "/".join(parts[:2])
    if parts[-1] in BESIDE:
        return path
    return parts[0] if len(parts) == 2 else model_of(path)


def by_place(files: Mapping[str, One]) -> dict[str, dict[str, One]]:
    """Files by what they come and go with."""
    places: dict[str, dict[str, One]] = {}
    for path, one in files.items():
        places.setdefault(place_of(path), {})[path] = one
    return places


def is_safe(key: str) -> bool:
    """True for a relative path of plain parts, none of them hidden."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return False
    parts = key.split("/")
    return (
        0 < length <= LONGEST_KEY
        and key.isprintable()
        and "\\" not in key
        and all(part and part[0] != "." and len(part.encode()) <= LONGEST_NAME for part in parts)
    )


def _passing(objects: Objects, first: Collection[str]) -> tuple[list[str], list[str]]:
    """Keys that mean something and can be files side by side, and those that can't.

    Two that differ by case only are one file elsewhere, and a file can't be a folder too. Keys
    that mean nothing are in nobody's way.
    """
    shown = [key for key in objects if _is_shown(key)]
    refused = [key for key in shown if not is_safe(key)]
    meant = [key for key in shown if is_safe(key) and _means(key, objects[key])]
    folders = {folder for key in meant for folder in _folders(key)}
    spelled: dict[str, str] = {}
    kept: list[str] = []
    for key in sorted(meant, key=lambda key: (key not in first, key)):
        ways = {way.casefold(): way for way in (*_folders(key), key)}
        is_same = all(spelled.get(folded, way) == way for folded, way in ways.items())
        if is_same and key not in folders:
            spelled.update(ways)
            kept.append(key)
        else:
            refused.append(key)
    return kept, refused


def _is_shown(key: str) -> bool:
    """False for the marks of folders and hidden files, which are nobody's fault."""
    return not key.endswith("/") and not any(part.startswith(".") for part in key.split("/"))


def _means(key: str, found: Object) -> bool:
    return _folder_of(key) is not None or _is_loose(key.split("/"), found)


def _folder_of(key: str) -> Key | None:
    """The version in whose folder a key is."""
    parts = key.split("/")
    version = parse_version(parts[1]) if len(parts) > 2 else None
    return (parts[0], version) if version is not None and is_model_name(parts[0]) else None


def _version_of(key: str) -> Key | None:
    """The same, or version 1 of a model for its weights without a folder."""
    return _folder_of(key) or ((place_of(key), 1) if is_weights(key) else None)


def _folders(key: str) -> Iterator[str]:
    parts = key.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))


def _is_loose(parts: list[str], found: Object) -> bool:
    name = parts[-1]
    is_model = name.lower().endswith(MODEL_SUFFIXES)
    if len(parts) == 1:
        return is_model and name not in BESIDE and found.size <= MAX_BYTES
    if len(parts) != 2 or not is_model_name(parts[0]):
        return False
    if name in BESIDE:
        return found.size <= MAX_BESIDE
    return (is_model or name == MANIFEST) and found.size <= MAX_BYTES


def _problem(objects: Objects) -> str:
    if len(objects) > MAX_FILES:
        return f"it has more than {MAX_FILES} files"
    if sum(found.size for found in objects.values()) > MAX_BYTES:
        return f"its files are larger than {MAX_BYTES // 1024**3} GiB"
    return ""
