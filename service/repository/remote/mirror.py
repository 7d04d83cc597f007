"""The folder that a remote repository is mirrored to: versions appear and go whole, by renaming.

    <mirror>/models/...       what is served: the same layout as a local repository
    <mirror>/record.json      what was put there: path -> sha256
    <mirror>/plan.json        what is to be there; a kill in between is mended from it
    <mirror>/address          of which repository all this is

Whoever scans `models` does so in the thread that places. It isn't there before the first plan: an
empty folder would be a repository without models.
"""

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from service.base.durable import sync
from service.base.room import free_room
from service.repository.remote.content import Content
from service.repository.remote.status import FILE as STATUS
from service.repository.remote.tree import by_place

logger = logging.getLogger(__name__)

MODELS, PLAN, RECORD = "models", "plan.json", "record.json"
STAGED, TRASH = ".incoming-", ".trash-"

Plan = Mapping[str, str]


class Mirror:
    """One process' own, as long as it holds the lock on it."""

    def __init__(self, folder: Path, content: Content) -> None:
        self.folder = folder
        self.models = folder / MODELS
        self._content = content
        self._record: dict[str, dict[str, str]] = {}  # by place
        self._saved: dict[str, Plan | None] = {}  # what is in the two files
        self._done: Plan | None = None
        self._missing: set[str] = set()

    def open(self, address: str) -> Plan | None:
        """Take over what is there, if it is of this repository; the plan of then, if any."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if _read_text(self.folder / "address") != address:
            self._clear()
            _write(self.folder / "address", address)
        for left in (*self.models.glob(".*"), *self.models.glob("*/.*")):
            if left.name.startswith((STAGED, TRASH)):
                shutil.rmtree(left, ignore_errors=True)
        self._saved = {name: _read_plan(self.folder / name) for name in (PLAN, RECORD)}
        self._record = by_place(self._still_there(self._saved[RECORD] or {}))
        return self._saved[PLAN]

    def place(self, plan: Plan) -> None:
        """Have exactly this in the folder. Raises OSError; then a later call goes on.

        What the disk refuses keeps nothing else from coming or going.
        """
        if plan is self._done and self.models.is_dir():
            return
        troubles: list[OSError] = []
        with _noted(troubles):
            self._save(PLAN, plan)
        if not self.models.is_dir():
            self._record = {}  # whatever was there
            self.models.mkdir()
        after = by_place(plan)
        try:
            self._change(after, troubles)
        finally:
            files = self._record.values()
            with _noted(troubles):
                self._save(RECORD, {path: one for some in files for path, one in some.items()})
        if troubles:
            raise troubles[0]
        self._done = plan if after == self._record else None

    def _change(self, after: dict[str, dict[str, str]], troubles: list[OSError]) -> None:
        """What goes does so first: that takes no room, and makes some."""
        for place in self._record.keys() - after.keys():
            with _noted(troubles):
                self._remove(place)
        changed = [place for place, files in after.items() if self._record.get(place) != files]
        for place in sorted(changed, key=lambda place: (place not in after[place], place)):
            with _noted(troubles):  # files beside come first
                self._put(place, after[place])

    def _put(self, place: str, files: dict[str, str]) -> None:
        """All of a place, whole before any of it is seen; nothing if some content isn't here."""
        if not all(self._content.has(digest) for digest in files.values()):
            if place not in self._missing:
                self._missing.add(place)
                logger.warning(
                    "a mirrored file is gone, it is to come again", extra={"place": place}
                )
            return
        self._missing.discard(place)
        with self._staged() as stage:
            new = stage / "new"
            for path, digest in files.items():
                (new / path).parent.mkdir(parents=True, exist_ok=True)
                self._link(digest, new / path)
            for folder, _, _ in os.walk(new, topdown=False):
                sync(Path(folder))
            units = _units(place, files)
            for unit in units:
                self._show(new / unit, self.models / unit, stage)
        before = _units(place, self._record.get(place, ()))
        self._take_away(unit for unit in before if unit not in units)
        self._record[place] = files

    def _show(self, new: Path, target: Path, stage: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if new.is_dir() and target.exists():
            target.rename(stage / "old")
        new.replace(target)
        sync(target.parent)

    def _remove(self, place: str) -> None:
        self._take_away(_units(place, self._record[place]))
        del self._record[place]

    def _take_away(self, units: Iterable[str]) -> None:
        """Each at once, by what a full disk grants too."""
        for unit in units:
            target = self.models / unit
            with suppress(FileNotFoundError):
                if target.is_dir():
                    trash = target.with_name(f"{TRASH}{target.name}")
                    shutil.rmtree(trash, ignore_errors=True)
                    target.rename(trash)
                    shutil.rmtree(trash, ignore_errors=True)
                else:
                    target.unlink()
            with suppress(OSError):  # others are in it
                if target.parent != self.models:
                    target.parent.rmdir()

    def _still_there(self, record: Plan) -> Plan:
        """What of a record is in the folder: somebody may have removed some of it."""
        there = {path: one for path, one in record.items() if (self.models / path).is_file()}
        if len(there) < len(record):
            logger.warning(
                "mirrored files were removed, they are placed again",
                extra={"count": len(record) - len(there)},
            )
        return there

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
        if content.stat().st_size > free_room(self.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        shutil.copy2(content, file)
        sync(file)

    def _staged(self) -> "_Stage":
        return _Stage(self.models)

    def _save(self, name: str, content: Plan) -> None:
        if self._saved.get(name) != content:
            _write(self.folder / name, json.dumps(content))
            self._saved[name] = content

    def _clear(self) -> None:
        for name in (PLAN, RECORD, STATUS):
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


@contextmanager
def _noted(troubles: list[OSError]) -> Iterator[None]:
    """Go on after what the disk refuses."""
    try:
        yield
    except OSError as error:
        troubles.append(error)


def _units(place: str, files: Iterable[str]) -> list[str]:
    """What is renamed: a version's folder or a file beside; each file of a model without one."""
    return [place] if "/" in place else list(files)


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
