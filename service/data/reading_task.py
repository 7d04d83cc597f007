"""The task of the child process that reads a request's files, and how its end is worded."""

import logging
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service.base.child import Child, Outcome
from service.base.confinement import Limits
from service.base.errors import KerasdError
from service.base.http_errors import StorageFull
from service.base.refusals import DataRefused
from service.data.dataset import MIB, Expected
from service.data.places import DataPlaces, find_data
from service.data.splitting import HELD_OUT, TRAIN, VALIDATION
from service.data.wording import file_text
from service.recipe.data import DataRequest, LabelledData

logger = logging.getLogger(__name__)

PROGRAM = "service.data.child"
MEMORY_BYTES = 4096 * MIB  # of address space: 200 million numbers of 8 bytes, and the libraries
FILE_BYTES = 4096 * MIB
NICENESS = 10  # behind the worker that asks, and its neighbours: they answer predictions meanwhile


def names_of(request: LabelledData) -> dict[str, str]:
    """The names of the files in a request, by the part that they are for."""
    names = {TRAIN: request.file}
    if isinstance(request, DataRequest):
        names |= {VALIDATION: request.validation_file, HELD_OUT: request.held_out_file}
    return {part: name for part, name in names.items() if name}


def start_reading(
    task: dict[str, Any],
    expected: Expected,
    places: DataPlaces,
    root: Path,
    timeout_s: float,
    now: float,
) -> Child:
    """A child that reads the files of a task, which also says what is done with the rows."""
    record = {**task, "expected": expected.as_json(), "data_limits": asdict(places.limits)}
    limits = Limits(MEMORY_BYTES, int(timeout_s) + 1, FILE_BYTES)
    child = Child(record, limits, timeout_s, root, now, PROGRAM)
    with suppress(OSError):  # it has ended
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, child.pid, max(own, NICENESS))
    return child


def task_of(
    request: LabelledData, places: DataPlaces, held_out_rows: int, *, keep: bool
) -> dict[str, Any]:
    """What is to be done with the rows of the files. Raises DataRefused for missing ones."""
    split = request.split.model_dump(mode="json") if isinstance(request, DataRequest) else None
    names = names_of(request)
    return {
        "names": names,
        "files": {part: str(find_data(name, places).absolute()) for part, name in names.items()},
        "split": split,
        "held_out_rows": held_out_rows,
        "keep": keep,
    }


def facts_of(outcome: Outcome, request: LabelledData) -> dict[str, Any]:
    """The facts that a child found. Raises DataRefused, or StorageFull where the disk was full."""
    if outcome.ok and outcome.result is not None:
        facts: dict[str, Any] = outcome.result["facts"]
        return facts
    if outcome.no_room:
        raise StorageFull("There is no room for the rows: the disk is full")
    name, _, rest = outcome.message.partition(": ")
    if outcome.code == DataRefused.code:
        raise DataRefused(name, "", rest)
    logger.error("data not read", extra={"file": request.file, "why": outcome.message})
    raise _unreadable(outcome, request)


def _unreadable(outcome: Outcome, request: LabelledData) -> KerasdError:
    why = "takes too long to be read" if "seconds" in outcome.message else "can't be read"
    wanted = "fewer rows, or NPZ or Parquet, which are read faster"
    return DataRefused(file_text(request.file), "", why, wanted)
