"""What a batch prediction has written: each file whole or not there, and a manifest beside them.

`_kerasd.json` says of which input, by which version and with which options, and lists the files of
the run as they were when it began. While it goes on, each job adds a line to a journal of its own
for every file that is finished, and the last one puts all of them into the manifest. A file and its
line are durable before the next one begins.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from service.base.durable import storing, sync
from service.base.http_errors import Conflict
from service.base.owned_folder import hold_folder
from service.base.strict_json import Json
from service.recipe.batch import Shard
from service.training.batch.plan import Plan, Unit

WHERE = "folder of the predictions"
PART = ".part"
COMPARED = ("input", "model", "version", "sha256", "decides", "parts", "options")
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Done:
    """A finished file: its rows, those without a prediction, and what it was made of."""

    rows: int
    errors: int
    input_bytes: int
    input_changed_ns: int

    def is_of(self, unit: Unit) -> bool:
        """Whether the file that was read is still the same."""
        table = unit.table
        return (self.input_bytes, self.input_changed_ns) == (table.bytes, table.changed_ns)


class Output:
    """One job's view of the folder; `token` is in the names of what it hasn't finished."""

    def __init__(self, plan: Plan, shard: Shard | None, token: str) -> None:
        self._plan = plan
        self._shard = shard
        self._token = token
        stem = f"{plan.units[0].output}.kerasd" if plan.is_single else "_kerasd"
        self._manifest = plan.folder / f"{stem}.json"
        label = "1-of-1" if shard is None else f"{shard.index}-of-{shard.of}"
        self._journal = plan.folder / f"{stem}-{label}.ndjson"
        self._journals = f"{stem}-", "-of-", ".ndjson"
        self._header: Json = {}
        self._seen: tuple[int, int] | None = None

    @property
    def share(self) -> tuple[Unit, ...]:
        """The units of this job; after `begin`, of those with which the run began."""
        return self._plan.share(self._shard)

    def begin(self, header: Json, fresh: bool) -> dict[str, Done]:
        """What is finished already, by name. The first job with this `run` in its header says for
        all which files the run is about; what another run has left it removes if `fresh`. For a
        shard that comes when all are finished nothing is left. Raises Conflict where what is there
        is of something else, or inputs have gone.
        """
        with storing(WHERE):
            self._plan.folder.mkdir(parents=True, exist_ok=True)
            with hold_folder(self._plan.folder):
                found = self._read_manifest()
                is_same = found is not None and found.get("run") == header["run"]
                is_over = found is not None and is_same and _is_over(found)
                if found is None or not is_same or (is_over and self._shard is None):
                    found, is_over = self._start(found, header, fresh and not is_same), False
                self._check_same(found, header)
                files = {} if is_over else found["files"]
                self._check_gone(files, header)
                self._plan = self._plan.as_begun(files)
            self._sweep()
        self._header = header
        return self._finished()

    def part(self, unit: Unit) -> Path:
        """Where the unit is written until it is whole."""
        path = self._plan.folder / unit.output
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}.{self._token}{PART}")

    def publish(self, unit: Unit, rows: int, errors: int, check: Callable[[], object]) -> Done:
        """Give a whole file its name; `check` may still refuse. Raises StorageFull, Conflict."""
        part, path = self.part(unit), self._plan.folder / unit.output
        table = unit.table
        done = Done(rows, errors, table.bytes, table.changed_ns)
        with storing(WHERE):
            self._check_manifest()
            try:
                sync(part)
                check()
                part.rename(path)
            except FileNotFoundError as error:
                why = "another run writes into the same folder"
                raise Conflict(f"{part.name} is gone: {why}") from error
            sync(path.parent)
            with self._journal.open("ab") as journal:
                # The end of a line comes before it: the one that is there may have been cut off.
                journal.write(b"\n" + orjson.dumps({"file": unit.output, **asdict(done)}))
                journal.flush()
                os.fsync(journal.fileno())
        return done

    def end(self) -> bool:
        """Where all files of all jobs are there, put them into the manifest; whether they are."""
        if not self._plan.units:  # that was done before this job came
            return True
        with storing(WHERE), hold_folder(self._plan.folder):
            finished, found = self._finished(), self._read_manifest()
            names = [unit.output for unit in self._plan.units]
            if found is None or found.get("run") != self._header["run"]:
                return False
            if not all(name in finished for name in names):
                return False
            files = {name: asdict(finished[name]) for name in names}
            self._write_manifest({**found, "files": files})
            for journal in self._find_journals():
                journal.unlink(missing_ok=True)
        return True

    def _start(self, found: Json | None, header: Json, fresh: bool) -> Json:
        """The manifest of a new run, which goes on where another one of the same has ended."""
        records = list(self._records(found))
        files = {unit.output: _planned(unit) for unit in self._plan.units}
        known = {name for name, _ in records}
        self._check_free(files.keys() - known)
        if fresh or not any("rows" in record for _, record in records):
            self._clear(known)  # what came to nothing is no obstacle
        else:
            self._check_same(found or {}, header)
            left = [name for name in known if (self._plan.folder / name).exists()]
            self._check_gone(left, header)
            files |= {name: asdict(done) for name, done in self._finished().items()}
        manifest = {**header, "files": files}
        self._write_manifest(manifest)
        return manifest

    def _finished(self) -> dict[str, Done]:
        """What the manifest and the journals say, as far as it is still so."""
        units = {unit.output: unit for unit in self._plan.units}
        finished: dict[str, Done] = {}
        for name, record in self._records(self._read_manifest()):
            with suppress(KeyError, TypeError):  # one that isn't finished has no rows
                done = Done(**record)
                if done.is_of(units[name]) and (self._plan.folder / name).is_file():
                    finished[name] = done
        return finished

    def _records(self, found: Json | None) -> Iterator[tuple[str, Json]]:
        """Each file that the manifest or a journal names, and what it says of it."""
        yield from (found or {"files": {}})["files"].items()
        for line in self._lines():
            with suppress(ValueError, KeyError, TypeError):  # one that was cut off is no line
                record = orjson.loads(line)
                yield record.pop("file"), record

    def _lines(self) -> Iterator[bytes]:
        for journal in self._find_journals():
            with suppress(FileNotFoundError):
                yield from journal.read_bytes().splitlines()

    def _find_journals(self) -> list[Path]:
        start, middle, end = self._journals
        return [
            path
            for path in sorted(self._plan.folder.iterdir())
            if path.name.startswith(start) and path.name.endswith(end) and middle in path.name
        ]

    def _read_manifest(self) -> Json | None:
        try:
            record: Json = orjson.loads(self._manifest.read_bytes())
            if not isinstance(record["files"], dict):
                raise TypeError
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Conflict(f"{self._manifest.name} is no manifest of predictions") from error
        return record

    def _write_manifest(self, record: Json) -> None:
        partial = self._manifest.with_name(f".{self._manifest.name}.{self._token}{PART}")
        partial.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
        sync(partial)
        partial.rename(self._manifest)
        sync(self._plan.folder)

    def _check_manifest(self) -> None:
        """Raise Conflict where another run has begun. It is read only if it was written anew: its
        list may be long, and this is asked before each file of it.
        """
        seen = None
        with suppress(FileNotFoundError), self._manifest.open("rb") as file:
            told = os.fstat(file.fileno())
            seen = told.st_ino, told.st_mtime_ns
        if seen is None or seen != self._seen:
            self._check_same(self._read_manifest() or {}, self._header)
            self._seen = seen

    def _check_same(self, found: Json, header: Json) -> None:
        differs = _difference(found, header)
        if differs is not None:
            name, had, asked = differs
            raise Conflict(
                f"{self._plan.folder.name} holds predictions of another run, with {name} "
                f"{_short(had)} and not {_short(asked)}: name another output, or begin another run "
                "with fresh, which has them removed"
            )

    def _check_gone(self, names: Iterable[str], header: Json) -> None:
        """Predictions for what isn't there any more would be taken for those of what is."""
        units = {unit.output for unit in self._plan.units}
        gone = sorted(name for name in names if name not in units)
        if gone:
            raise Conflict(
                f"{header['input']} no longer has {len(gone)} of the files that "
                f"{self._plan.folder.name} is made of, such as that of {gone[0]}: name another "
                "output, or begin another run with fresh"
            )

    def _check_free(self, names: Collection[str]) -> None:
        """Nothing that is there is written over, but what an earlier run has written."""
        for name in sorted(names):
            if (self._plan.folder / name).exists():
                raise Conflict(
                    f"{name} is there already, and no manifest says which run wrote it: "
                    "name another output, or remove it"
                )

    def _clear(self, names: Iterable[str]) -> None:
        """Remove what earlier runs have written. The manifest, which names it, stays until another
        one is written: whoever is ended here can begin anew.
        """
        for name in names:
            path = self._plan.folder / name
            if path.resolve().is_relative_to(self._plan.folder.resolve()):
                path.unlink(missing_ok=True)
        for journal in self._find_journals():
            journal.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what earlier attempts at this share have left unfinished."""
        ours: dict[Path, set[str]] = {}
        for unit in self.share:
            path = self._plan.folder / unit.output
            ours.setdefault(path.parent, set()).add(path.name)
        for folder, names in ours.items():
            with suppress(FileNotFoundError):
                _remove_parts(folder, names)


def _is_over(found: Json) -> bool:
    """Whether all files of a run are finished."""
    return all("rows" in record for record in found["files"].values())


def _planned(unit: Unit) -> Json:
    """What the manifest says of a file that isn't finished."""
    return {"input_bytes": unit.table.bytes, "input_changed_ns": unit.table.changed_ns}


def _remove_parts(folder: Path, names: Iterable[str]) -> None:
    for entry in os.scandir(folder):
        if entry.name.startswith(".") and entry.name.endswith(PART):
            name = entry.name[1 : -len(PART)].rpartition(".")[0]
            if name in names:
                (folder / entry.name).unlink(missing_ok=True)


def _difference(found: Json, header: Json) -> tuple[str, Any, Any] | None:
    """The first thing in which two runs differ, and how."""
    for name in COMPARED:
        if found.get(name) != header[name]:
            had, asked = found.get(name), header[name]
            if isinstance(asked, dict) and isinstance(had, dict):
                name = next((key for key in asked if had.get(key) != asked[key]), name)
                had, asked = had.get(name), asked.get(name, asked)
            return name, had, asked
    return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
