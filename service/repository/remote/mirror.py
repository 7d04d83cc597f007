"""The folder that a remote repository is mirrored to: versions appear and go whole, by renaming.

    <mirror>/models/...       what is served: the same layout as a local repository
    <mirror>/record.json      what was put there: path -> sha256
    <mirror>/plan.json        what is to be there; a kill in between is mended from it
    <mirror>/address          of which repository all this is

Whoever scans `models` does so in the thread that places. It isn't there before the first plan: an
empty folder would be a repository without models.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from service.base.durable import sync
from service.repository.remote.content import Content

logger = logging.getLogger(__name__)

MODELS = "models"
STAGED, TRASH = ".incoming-", ".trash-"

Plan = Mapping[str, str]


class Mirror:
    """One process' own, as long as it holds the lock on it."""

    def __init__(self, folder: Path, content: Content) -> None:
        self.folder = folder
        self.models = folder / MODELS
        self._content = content
        self._record: dict[str, str] = {}
        self._missing: set[str] = set()

    def open(self, address: str) -> Plan | None:
        """Take over what is there, if it is of this repository; the plan of then, if any."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if _read_text(self.folder / "address") != address:
            self._clear()
            _write(self.folder / "address", address)
        for left in self.models.glob(".*"):
            if left.name.startswith((STAGED, TRASH)):
                shutil.rmtree(left, ignore_errors=True)
        self._record = _read_plan(self.folder / "record.json") or {}
        return _read_plan(self.folder / "plan.json")

    def place(self, plan: Plan) -> None:
        """Have exactly this in the folder. Raises OSError; then a later call goes on."""
        if dict(plan) == self._record and self.models.is_dir():
            return
        _write(self.folder / "plan.json", json.dumps(plan))
        self.models.mkdir(exist_ok=True)
        before, after = _places(self._record), _places(plan)
        try:
            for place in sorted(after, key=lambda place: (len(after[place]) > 1, place)):
                if before.get(place) != after[place]:
                    self._put(place, after[place])
            for place in before.keys() - after.keys():
                self._remove(place)
        finally:
            _write(self.folder / "record.json", json.dumps(self._record))

    def _put(self, place: str, files: Plan) -> None:
        """A version's folder, or one file; nothing of it if its content isn't here any more."""
        if not all(self._content.has(digest) for digest in files.values()):
            if place not in self._missing:
                self._missing.add(place)
                logger.warning(
                    "a mirrored file is gone, it is to come again", extra={"place": place}
                )
            return
        self._missing.discard(place)
        target = self.models / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._staged() as stage:
            new = stage / "new"
            for path, digest in files.items():
                file = new / path[len(place) + 1 :] if path != place else new
                file.parent.mkdir(parents=True, exist_ok=True)
                self._link(digest, file)
            for folder, _, _ in os.walk(new, topdown=False):
                sync(Path(folder))
            if new.is_dir() and target.exists():
                target.rename(stage / "old")
            new.replace(target)
            sync(target.parent)
        self._note(place, files)

    def _remove(self, place: str) -> None:
        target = self.models / place
        with self._staged() as stage, suppress(FileNotFoundError):
            target.rename(stage / "old")
        with suppress(OSError):  # others are in it
            if target.parent != self.models:
                target.parent.rmdir()
        self._note(place, {})

    def _note(self, place: str, files: Plan) -> None:
        before = _places(self._record).get(place, {})
        self._record = {path: one for path, one in self._record.items() if path not in before}
        self._record.update(files)

    def _link(self, digest: str, file: Path) -> None:
        """The same file again; a copy where it has a second name already.

        A third would change its time of change, by which the controller knows a changed version.
        """
        content = self._content.path(digest)
        try:
            if content.stat().st_nlink == 1:
                os.link(content, file)
                return
        except OSError:  # a file system without links
            pass
        shutil.copy2(content, file)
        sync(file)

    def _staged(self) -> "_Stage":
        return _Stage(self.models)

    def _clear(self) -> None:
        for name in ("plan.json", "record.json"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.models, ignore_errors=True)


class _Stage:
    """A folder to work in, removed with what is left in it."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix=STAGED, dir=self._parent))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _places(plan: Plan) -> dict[str, dict[str, str]]:
    """Its files by what appears in one step: a version's folder, or a file beside."""
    places: dict[str, dict[str, str]] = {}
    for path, digest in plan.items():
        parts = path.split("/")
        place = path if len(parts) < 3 else "/".join(parts[:2])
        places.setdefault(place, {})[path] = digest
    return places


def _read_plan(file: Path) -> dict[str, str] | None:
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return {str(path): str(one) for path, one in read.items()} if isinstance(read, dict) else None


def _read_text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""


def _write(file: Path, text: str) -> None:
    aside = file.with_name(f"{file.name}.new")
    aside.write_text(text)
    sync(aside)
    aside.replace(file)
    sync(file.parent)
