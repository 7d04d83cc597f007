"""Many small files of an hour become few large ones; readers never see a row twice, or miss one.

A merged file tells in its footer which files' rows it has; from the moment that it has its name,
readers leave those out. They are removed once nobody reads, if need be at a later sweep.
"""

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.capture.layout import MERGED, CapturedFile, Group, path_of
from service.capture.parquet import batches_of, in_groups, opened, write_parquet
from service.capture.reader import form_of

TARGET_BYTES = 64 * 1024 * 1024
SMALL_BYTES = TARGET_BYTES // 2
MANY = 64  # small files of an hour that isn't over yet
AT_ONCE_BYTES = 256 * 1024 * 1024  # in one sweep


@dataclass(frozen=True, slots=True)
class Sized:
    """A file and its bytes."""

    file: CapturedFile
    size: int


def sized(some: Iterable[CapturedFile]) -> list[Sized]:
    """The files that are still there, with their sizes."""
    found = []
    for file in some:
        try:
            found.append(Sized(file, file.path.stat().st_size))
        except FileNotFoundError:
            continue
    return found


def merge(folder: Path, some: Iterable[CapturedFile], finished: int) -> int:
    """Merge small files of hours before `finished`, and many of a later one; how many files."""
    groups: defaultdict[Group, list[CapturedFile]] = defaultdict(list)
    for file in some:
        groups[file.group].append(file)
    merged, left = 0, AT_ONCE_BYTES
    for group, listed in groups.items():
        if len(listed) < 2 or left <= 0:
            continue
        superseded = remove_superseded(folder, listed)
        there = [one for one in listed if one.path.name not in superseded]
        for chosen in _chosen(sized(there), is_over=group[0] < finished):
            number = 1 + max(one.number if one.is_merged else 0 for one in listed)
            made = _merge(folder, group, number, [one.file for one in chosen])
            listed.append(made)
            merged += len(chosen)
            left -= sum(one.size for one in chosen)
        remove_superseded(folder, listed)
    return merged


def remove_superseded(folder: Path, group: Iterable[CapturedFile]) -> set[str]:
    """Remove files whose rows are in another one, unless somebody reads; the names of such."""
    listed = list(group)
    names: set[str] = set()
    for file in listed:
        if file.is_merged and (form := form_of(file)):
            names.update(form.sources)
    gone = [file.path for file in listed if file.path.name in names]
    if gone:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in gone:
                path.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # until nobody reads
        finally:
            os.close(handle)
    return names


def _chosen(there: list[Sized], *, is_over: bool) -> Iterator[list[Sized]]:
    """Files to be merged into one each."""
    small = [one for one in there if one.size < SMALL_BYTES]
    if not is_over:
        small = [one for one in small if not one.file.is_merged]
        if len(small) < MANY:
            return
    some: list[Sized] = []
    for one in sorted(small, key=lambda one: one.file.path.name):
        if some and sum(each.size for each in some) + one.size > TARGET_BYTES:
            if len(some) > 1:
                yield some
            some = []
        some.append(one)
    if len(some) > 1:
        yield some


def _merge(folder: Path, group: Group, number: int, some: list[CapturedFile]) -> CapturedFile:
    path = path_of(folder, group, MERGED, number)
    sources: set[str] = set()
    for file in some:
        with opened(file.path) as (form, _):
            # Those that wait for their removal as well: nobody else would know of them.
            sources.update({file.path.name, *form.sources})
    write_parquet(path, form.merged_from(sources), in_groups(_gathered(some)))
    return CapturedFile(path, *group, MERGED, number)


def _gathered(some: list[CapturedFile]) -> Iterator[Any]:
    """The rows of all files."""
    for file in some:
        with opened(file.path) as (_, found):
            yield from batches_of(found)
