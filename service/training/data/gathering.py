"""Gather the rows of a job into its folder, once: later attempts see the same."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from service.base.aside import aside
from service.base.child import Outcome
from service.base.durable import storing, sync
from service.capture.feedback import LiveRows
from service.data.child import DATA
from service.data.dataset import Expected
from service.data.places import DataPlaces
from service.data.reading_task import facts_of, start_reading, task_of
from service.data.splitting import HELD_OUT, TRAIN, VALIDATION
from service.data.stored import ROWS, StoredRows, open_divided
from service.recipe.data import DataRequest, LabelledData
from service.training.data.live_division import divide_feedback
from service.training.data.rows import DataFacts, Rows, TrainingData
from service.training.kept import WHERE

TIMEOUT_S = 24 * 3600.0  # of a job that works when nobody else does; its own limit comes first
POLL_S = 0.05
CHECK_S = 1.0  # each check asks the database


class Checked(Protocol):
    """An attempt at a job: `check` raises when it shall end."""

    def check(self) -> None:
        """Raise Superseded or Cancelled."""
        ...


def gather(
    request: DataRequest,
    expected: Expected,
    places: DataPlaces,
    folder: Path,
    attempt: Checked,
    live: LiveRows | None = None,
) -> TrainingData:
    """The rows of a retrain in three parts, kept in `folder`/data.

    `expected` comes from `service.data.asked.expected_rows`; `live` is where feedback is taken
    from. Raises DataRefused, and StorageFull where there is no room.
    """
    parts, facts = _gather(request, expected, places, folder, attempt, live)
    train, validation, held_out = (_rows(parts[part]) for part in (TRAIN, VALIDATION, HELD_OUT))
    return TrainingData(train, validation, held_out, facts, expected.class_names)


def gather_rows(
    request: LabelledData,
    expected: Expected,
    places: DataPlaces,
    folder: Path,
    attempt: Checked,
    live: LiveRows | None = None,
) -> tuple[Rows, DataFacts]:
    """All rows of an evaluation, in one part. Raises as `gather` does."""
    parts, facts = _gather(request, expected, places, folder, attempt, live)
    return _rows(parts[HELD_OUT]), facts


def _gather(
    request: LabelledData,
    expected: Expected,
    places: DataPlaces,
    folder: Path,
    attempt: Checked,
    live: LiveRows | None,
) -> tuple[Mapping[str, StoredRows], DataFacts]:
    """The parts as an earlier attempt left them, or as they are made now."""
    kept = folder / DATA
    if not (kept / ROWS).is_file():
        attempt.check()
        with storing(WHERE), aside(kept) as scratch:
            scratch.mkdir(parents=True)
            if request.from_feedback is None:
                made = _read_files(request, expected, places, scratch, attempt.check)
            else:
                made = divide_feedback(request, expected, scratch, live, attempt.check)
            attempt.check()
            made.rename(kept)  # refused where another attempt has been quicker
            sync(folder)
    parts, facts = open_divided(kept)
    return parts, DataFacts.from_json(facts)


def _read_files(
    request: LabelledData,
    expected: Expected,
    places: DataPlaces,
    scratch: Path,
    check: Callable[[], None],
) -> Path:
    """The folder of rows that a child makes of the files: it has no network and no secrets."""
    task = task_of(request, places, 1, keep=True)
    child = start_reading(task, expected, places, scratch, TIMEOUT_S, time.monotonic())
    try:
        outcome = _wait(child.poll, check)
        facts_of(outcome, request)
        return (child.folder / DATA).rename(scratch / DATA)
    finally:
        child.kill()
        child.clean()


def _wait(poll: Callable[[float], Outcome | None], check: Callable[[], None]) -> Outcome:
    next_check = time.monotonic() + CHECK_S
    while (outcome := poll(time.monotonic())) is None:
        if time.monotonic() >= next_check:
            check()
            next_check = time.monotonic() + CHECK_S
        time.sleep(POLL_S)
    return outcome


def _rows(stored: StoredRows) -> Rows:
    return Rows(stored.inputs, stored.labels, stored.weights)
