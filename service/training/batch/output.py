"""What a batch prediction has written: each file whole or not there, and a manifest beside them.

`_kerasd.json` says by which version and with which options; while the run goes on, each job adds a
line to a journal of its own for every file that is finished, and the last one puts all of them into
the manifest. A file and its line are durable before the next one begins.
"""

import os
from collections.abc import Callable, Iterable, Iterator
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
COMPARED = ("model", "version", "sha256", "parts", "options")


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
        self._share = plan.share(shard)
        self._token = token
        stem = f"{plan.units[0].output}.kerasd" if plan.is_single else "_kerasd"
        self._manifest = plan.folder / f"{stem}.json"
        label = "1-of-1" if shard is None else f"{shard.index}-of-{shard.of}"
        self._journal = plan.folder / f"{stem}-{label}.ndjson"
        self._journals = f"{stem}-", "-of-", ".ndjson"
        self._header: Json = {}

    def begin(self, header: Json, fresh: bool) -> dict[str, Done]:
        """What is finished already, by name. Raises Conflict for what another run has left, which
        is removed if `fresh`; jobs with the same `run` in their header do that once.
        """
        with storing(WHERE):
            self._plan.folder.mkdir(parents=True, exist_ok=True)
            with hold_folder(self._plan.folder):
                found = self._read_manifest()
                if fresh and (found or {}).get("run") != header["run"]:
                    self._clear(found)
                    found = None
                if found is None:
                    self._check_free()
                    self._write_manifest({**header, "files": {}})
                elif _difference(found, header) and self._has_nothing(found):
                    self._write_manifest({**header, "files": {}})
                else:
                    self._check_same(found, header)
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
            self._check_same(self._read_manifest() or {}, self._header)
            try:
                sync(part)
                check()
                part.rename(path)
            except FileNotFoundError as error:
                why = "another run writes into the same folder"
                raise Conflict(f"{part.name} is gone: {why}") from error
            sync(path.parent)
            with self._journal.open("ab") as journal:
                journal.write(orjson.dumps({"file": unit.output, **asdict(done)}) + b"\n")
                journal.flush()
                os.fsync(journal.fileno())
        return done

    def end(self) -> bool:
        """Where all files of all jobs are there, put them into the manifest; whether they are."""
        with storing(WHERE), hold_folder(self._plan.folder):
            finished, found = self._finished(), self._read_manifest()
            names = [unit.output for unit in self._plan.units]
            if found is None or not all(name in finished for name in names):
                return False
            files = {name: asdict(finished[name]) for name in names}
            self._write_manifest({**found, "files": files})
            for journal in self._find_journals():
                journal.unlink(missing_ok=True)
        return True

    def _finished(self) -> dict[str, Done]:
        """What the manifest and the journals say, as far as it is still so."""
        found = dict((self._read_manifest() or {}).get("files", {}))
        for line in self._lines():
            with suppress(ValueError, KeyError, TypeError):  # one that was cut off is no line
                record = orjson.loads(line)
                found[record.pop("file")] = record
        finished: dict[str, Done] = {}
        for unit in self._plan.units:
            with suppress(KeyError, TypeError):
                done = Done(**found[unit.output])
                if done.is_of(unit) and (self._plan.folder / unit.output).is_file():
                    finished[unit.output] = done
        return finished

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
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise Conflict(f"{self._manifest.name} is no manifest of predictions") from error
        return record

    def _write_manifest(self, record: Json) -> None:
        partial = self._manifest.with_name(f".{self._manifest.name}.{self._token}{PART}")
        partial.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
        sync(partial)
        partial.rename(self._manifest)
        sync(self._plan.folder)

    def _check_same(self, found: Json, header: Json) -> None:
        differs = _difference(found, header)
        if differs is not None:
            name, had, asked = differs
            raise Conflict(
                f"{self._plan.folder.name} holds predictions of another run, with {name} {had!r} "
                f"and not {asked!r}: name another output, or add fresh to have them removed"
            )

    def _has_nothing(self, found: Json) -> bool:
        """Whether a run has ended before its first file was finished."""
        return not found.get("files") and not any(self._lines())

    def _check_free(self) -> None:
        """Nothing that is there is written over."""
        for unit in self._plan.units:
            if (self._plan.folder / unit.output).exists():
                raise Conflict(
                    f"{unit.output} is there already, and no manifest says which run wrote it: "
                    "name another output, or add fresh"
                )

    def _clear(self, found: Json | None) -> None:
        """Remove what this run and the one before it write, and nothing else; names last."""
        self._manifest.unlink(missing_ok=True)
        names = {unit.output for unit in self._plan.units} | set((found or {}).get("files", {}))
        for line in self._lines():
            with suppress(ValueError, KeyError, TypeError):
                names.add(orjson.loads(line)["file"])
        for name in names:
            path = self._plan.folder / name
            if path.resolve().is_relative_to(self._plan.folder.resolve()):
                path.unlink(missing_ok=True)
        for journal in self._find_journals():
            journal.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what earlier attempts at this share have left unfinished."""
        ours: dict[Path, set[str]] = {}
        for unit in self._share:
            path = self._plan.folder / unit.output
            ours.setdefault(path.parent, set()).add(path.name)
        for folder, names in ours.items():
            with suppress(FileNotFoundError):
                _remove_parts(folder, names)


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
            if name == "options" and isinstance(had, dict):
                name = next((key for key in asked if had.get(key) != asked[key]), name)
                had, asked = had.get(name), asked.get(name, asked)
            return name, had, asked
    return None
