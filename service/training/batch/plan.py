"""Which files a batch prediction reads, what is written for each, and whose share each is."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from service.base.http_errors import Conflict
from service.base.strict_json import Json
from service.data.tables.found import SUFFIXES, Kind, Table, find_tables, open_table
from service.data.tables.reading import Span, row_groups
from service.recipe.batch import BatchOptions, Shard

# What a run tells of itself (see `Output`), which the next run believes.
OF_A_RUN = re.compile(r"(^|[/._])kerasd(\.json|-\d+-of-\d+\.ndjson)$")


@dataclass(frozen=True, slots=True)
class Unit:
    """A file, or a span of its row groups, and the name of what is written for it."""

    table: Table
    output: str
    kind: Kind
    span: Span | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """All units of a run in their order. `folder` is where they are written; with `is_single`
    there is one, and the folder may hold anything else. `parts` is into how many one file is split,
    `source` what is read, as seen from the folder: the same from every machine.
    """

    folder: Path
    source: str
    units: tuple[Unit, ...]
    is_single: bool = False
    parts: int = 1

    def share(self, shard: Shard | None) -> tuple[Unit, ...]:
        """The units of one of the jobs."""
        return self.units if shard is None else self.units[shard.index - 1 :: shard.of]

    def as_begun(self, files: Mapping[str, Json]) -> "Plan":
        """These of the files only, as they were when it was told of them. Raises Conflict."""
        units = {unit.output: unit for unit in self.units}
        begun = []
        for name, told in files.items():
            try:
                size, changed_ns = int(told["input_bytes"]), int(told["input_changed_ns"])
            except (KeyError, TypeError, ValueError) as error:
                raise Conflict(
                    f"the manifest tells nothing of {name} that is understood"
                ) from error
            table = replace(units[name].table, bytes=size, changed_ns=changed_ns)
            begun.append(replace(units[name], table=table))
        return replace(self, units=tuple(begun))


def make_plan(
    source: Path,
    target: Path,
    options: BatchOptions,
    shard: Shard | None,
    within: Path | None = None,
) -> Plan:
    """The plan; no link leads out of `within`. Raises DataRefused, Conflict."""
    tables = find_tables(source, within)
    _check_apart(source, target)
    of = 1 if shard is None else shard.of
    split = of > 1 and len(tables) == 1 and _kind_of(tables[0]) == "parquet"
    is_single = not source.is_dir() and not split and not target.is_dir()
    if not is_single and target.is_file():
        why = "several files are written" if split else f"{source.name} is a folder"
        raise Conflict(f"{target.name} is a file, but {why}: name a folder")
    folder = target.parent if is_single else target
    seen = os.fsencode(os.path.relpath(source.resolve(), folder.resolve())).decode(errors="replace")
    if is_single:
        unit = _single(tables[0], target, options)
        _check_names((unit,))
        return Plan(folder, seen, (unit,), is_single=True)
    if split:
        units = tuple(_spans(tables[0], options, of))
        return Plan(folder, seen, units, parts=len(units))
    units = tuple(_unit(table, options) for table in tables)
    _check_names(units)
    return Plan(folder, seen, units)


def _single(table: Table, target: Path, options: BatchOptions) -> Unit:
    kind = SUFFIXES.get(target.suffix.lower()) or _kind_of(table)
    written = kind if options.format == "auto" else options.format
    return Unit(table, target.name, written, None, table.bytes)


def _unit(table: Table, options: BatchOptions) -> Unit:
    kind = _kind_of(table)
    if options.format in ("auto", kind):
        return Unit(table, table.name, kind, None, table.bytes)
    written: Kind = options.format  # type: ignore[assignment]  # auto is above
    return Unit(table, str(Path(table.name).with_suffix(f".{written}")), written, None, table.bytes)


def _spans(table: Table, options: BatchOptions, of: int) -> Iterator[Unit]:
    """Row groups that follow each other, so many that each job has about as many rows."""
    _, source = open_table(table)
    with source.stream:
        sizes = row_groups(source)
    whole = _unit(table, options)
    name = Path(whole.output)
    count = min(of, max(len(sizes), 1))
    total, start, done = sum(sizes), 0, 0
    for number in range(1, count + 1):
        stop = start + 1 if sizes else 0
        done += sum(sizes[start:stop])
        while stop < len(sizes) - (count - number) and (
            number == count or done + sizes[stop] / 2 <= total * number / count
        ):
            done += sizes[stop]
            stop += 1
        output = f"{name.stem}-{number:05}-of-{count:05}{name.suffix}"
        rows = sum(sizes[start:stop])
        weight = table.bytes * rows // max(total, 1)
        yield Unit(table, output, whole.kind, Span(start, stop), weight)
        start = stop


def _kind_of(table: Table) -> Kind:
    """By its suffix where that says it: a folder may have very many files."""
    told = SUFFIXES.get(table.path.suffix.lower())
    if told is not None:
        return told
    kind, source = open_table(table)
    source.stream.close()
    return kind


def _check_names(units: tuple[Unit, ...]) -> None:
    seen: dict[str, str] = {}
    for unit in units:
        if OF_A_RUN.search(unit.output):
            raise Conflict(f"{unit.output} is called as what a run tells of itself: rename it")
        other = seen.setdefault(unit.output, unit.table.name)
        if other != unit.table.name:
            raise Conflict(
                f"{other} and {unit.table.name} would both be written as {unit.output}: "
                "predict them into folders of their own"
            )


def _check_apart(source: Path, target: Path) -> None:
    """What is written must not be what is read, now or the next time."""
    read, written = source.resolve(), target.resolve()
    inside = read.is_dir() and (written.is_relative_to(read) or read.is_relative_to(written))
    if read == written or inside:
        raise Conflict(f"{target.name} lies in what is read, or around it: name another folder")
