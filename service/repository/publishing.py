"""New versions into the repository, old ones out of it: by rename, so never half there.

What is under way lies in `<repository>/.incoming-*` and `.trash-*`, which no scan looks into. One
publisher at a time chooses the number and renames; writing aside needs no such turn.
"""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from service.base.compiled import digest_file
from service.base.durable import rename_new, storing, sync
from service.base.errors import ModelNotFound
from service.base.http_errors import Conflict
from service.base.names import check_model_name, parse_version
from service.base.owned_folder import OwnedFolder, hold_folder, sweep
from service.repository.layout import find_versions, model_names
from service.repository.manifest import MANIFEST, Provenance, write_manifest
from service.repository.model_config import CONFIG_NAME
from service.repository.published import Wanted, find_published

logger = logging.getLogger(__name__)

WHERE = "repository"
INCOMING, TRASH = ".incoming-", ".trash-"
LEFT_AFTER_S = 3600.0
MOST_ASKED = 8_999_999_999  # times and dates are below it, and a billion numbers above


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be published: files by name, with their digests; they are moved, or copied.

    `version` is the number that is asked for, or none for the next. `used` are numbers that no
    version may have again. `config` is the model.yaml of a model that isn't there yet. With
    `again` the same files become another version.
    """

    model: str
    files: Mapping[str, Path]
    digests: Mapping[str, str]
    provenance: Provenance = field(default_factory=Provenance)
    version: int | None = None
    used: Collection[int] = ()
    config: Path | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """A version of the repository, and whether it is new."""

    version: int
    is_new: bool


def check_writable(repository: Path, model: str) -> Path:
    """The repository's folder. Raises Conflict when no version of this model can get into it."""
    check_model_name(model)
    if repository.is_file():
        raise Conflict(f"The repository can't be written: it is the single file {repository.name}")
    if not repository.is_dir() or not os.access(repository, os.W_OK | os.X_OK):
        raise Conflict("The repository can't be written: it is missing, or read-only")
    root = repository.resolve(strict=True)
    if (root / model).is_symlink():
        raise Conflict(f"The folder of model {model} is a link; versions go into folders only")
    if (root / model).exists() and not (root / model).is_dir():
        raise Conflict(f"What is called {model} in the repository is no folder")
    check_case(model, model_names(root))
    return root


def check_case(model: str, names: Iterable[str]) -> None:
    """Raise Conflict where another model has the same name in other letters."""
    for name in names:
        if name != model and name.lower() == model.lower():
            raise Conflict(f"Model {model} would differ from model {name} by its case only")


def publish(repository: Path, parcel: Parcel) -> Published:
    """Make a version of the files, durable before it is visible; or find that they are one.

    Raises Conflict, UploadRefused, StorageFull; then nothing has changed.
    """
    root = check_writable(repository, parcel.model)
    with storing(WHERE):
        found = _find(root, parcel, is_thorough=True)
        if found is not None:
            return found
        with hold_folder(root):
            swept = sweep(root, (INCOMING, TRASH), LEFT_AFTER_S)
            stage = OwnedFolder(root, INCOMING)
        if swept:
            logger.warning("removed what was left half-published", extra={"folders": swept})
        try:
            _write_aside(stage.path / "version", parcel)
            with hold_folder(root):
                check_writable(repository, parcel.model)
                return _find(root, parcel) or _place(root, stage.path, parcel)
        finally:
            stage.remove()


def remove_version(repository: Path, model: str, version: int) -> None:
    """Remove a version's folder: out of sight in one step, then from the disk.

    Raises ModelNotFound, or Conflict where it is a file without a folder of its own.
    """
    root = check_writable(repository, model)
    with storing(WHERE):
        with hold_folder(root):
            check_removable(root, model, version)
            folder = root / model / str(version)
            trash = OwnedFolder(root, TRASH)
            try:
                folder.rename(trash.path / str(version))
                sync(folder.parent)
            except OSError:
                trash.remove()
                raise
        trash.remove()


def check_removable(root: Path, model: str, version: int) -> None:
    """Raise unless the version has a folder of its own."""
    if parse_version(str(version)) is None:
        raise ModelNotFound(model, version, "status")
    folder = root / model / str(version)
    if folder.is_dir() or folder.is_symlink():
        return
    found = find_versions(root, model).get(version)
    if found is None:
        raise ModelNotFound(model, version, "status")
    raise Conflict(
        f"Version {version} of model {model} is the file {found.files[0].name} without a folder; "
        "only version folders are deleted over HTTP"
    )


def _find(root: Path, parcel: Parcel, is_thorough: bool = False) -> Published | None:
    wanted = Wanted(parcel.model, parcel.digests, parcel.provenance.key, not parcel.again)
    sizes = sorted(path.stat().st_size for path in parcel.files.values()) if is_thorough else None
    version = find_published(root, wanted, sizes)
    if version is None:
        return None
    return repeated(parcel, version, lambda: _config(root / parcel.model / CONFIG_NAME))


def _config(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def repeated(parcel: Parcel, version: int, config: Callable[[], bytes | None]) -> Published:
    """What is answered where the files are a version, of a model with this model.yaml.

    Raises Conflict if another number or another model.yaml was asked for.
    """
    if parcel.version not in (None, version):
        raise Conflict(
            f"The same files are version {version} of model {parcel.model} already; "
            "?again=true makes another version of them"
        )
    if parcel.config is not None and parcel.config.read_bytes() != config():
        raise Conflict(
            f"{CONFIG_NAME}: model {parcel.model} is there already, with version {version} of the "
            "same files and another model.yaml; that is changed by its operator"
        )
    return Published(version, is_new=False)


def _write_aside(folder: Path, parcel: Parcel) -> None:
    folder.mkdir()
    for name, path in parcel.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _move(path, target, parcel.digests[name])
    for parent, _, _ in os.walk(folder, topdown=False):
        sync(Path(parent))


def _move(path: Path, target: Path, digest: str) -> None:
    """Move the file; copy it from another file system, and prove that the copy is the same."""
    try:
        path.rename(target)  # no link: when its other name went, it would seem to have changed
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(path, target)
        if digest_file(target) != digest:
            raise Conflict(f"{target.name} changed while it was copied; send it again") from None
    target.chmod(0o644)
    sync(target)


def _place(root: Path, stage: Path, parcel: Parcel) -> Published:
    """Give what was written aside its number and its place; called while the root is held."""
    versions = find_versions(root, parcel.model)
    folder = root / parcel.model
    has_folder = folder.exists()
    if parcel.config is not None and (versions or has_folder):
        raise Conflict(
            f"{CONFIG_NAME}: model {parcel.model} is there already; it is changed by its operator"
        )
    number = choose_number(parcel, versions)
    while True:
        _finish(stage / "version", parcel)
        try:
            if has_folder:
                rename_new(stage / "version", folder / str(number))
                sync(folder)
            else:
                _place_model(root, stage, number, parcel)
            return Published(number, is_new=True)
        except FileExistsError:
            if parcel.version is not None or not has_folder:
                raise Conflict(f"Version {number} of model {parcel.model} has appeared") from None
            number += 1  # a folder that holds no model, or nobody's lock kept others out


def _place_model(root: Path, stage: Path, number: int, parcel: Parcel) -> None:
    new = stage / "model"
    new.mkdir()
    if parcel.config is not None:
        shutil.copyfile(parcel.config, new / CONFIG_NAME)
        sync(new / CONFIG_NAME)
    (stage / "version").rename(new / str(number))
    sync(new)
    rename_new(new, root / parcel.model)
    sync(root)


def _finish(folder: Path, parcel: Parcel) -> None:
    """The manifest comes last: with it the version is whole."""
    write_manifest(folder, parcel.digests, parcel.provenance)
    sync(folder / MANIFEST)
    sync(folder)


def choose_number(parcel: Parcel, versions: Collection[int]) -> int:
    """The number of a new version, beside those that are there. Raises Conflict."""
    taken = {*versions, *parcel.used}
    if parcel.version is None:
        number = max(taken, default=0) + 1
        if parse_version(str(number)) is None:
            raise Conflict(
                f"Model {parcel.model} has no number left after {number - 1}, which is the highest "
                "there is: ask for a lower one with ?version="
            )
        return number
    if parcel.version > MOST_ASKED:
        raise Conflict(
            f"Version {parcel.version} is above {MOST_ASKED}: the numbers after that are left for "
            "versions that are sent without one"
        )
    if parcel.version in versions:
        raise Conflict(f"Model {parcel.model} has a version {parcel.version} already")
    if parcel.version in parcel.used:
        raise Conflict(
            f"Model {parcel.model} had a version {parcel.version}; a number is not used twice"
        )
    return parcel.version
