"""Are the rows of a request what the model can learn from? Told before a job is accepted."""

import time
from pathlib import Path
from typing import Any

from service.base.owned_folder import scratch_folder
from service.data.dataset import Expected
from service.data.places import DataPlaces
from service.data.reading_task import facts_of, start_reading, task_of
from service.recipe.data import LabelledData

TIMEOUT_S = 120.0
POLL_S = 0.02
PREFIX = "rows-"


def check_data(
    request: LabelledData,
    expected: Expected,
    places: DataPlaces,
    scratch: Path,
    held_out_rows: int = 1,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """Read the files of a request in a child process, and divide them as the job will.

    Answers `{sha256, rows, parts: {part: rows}, counts: {part: {class: rows}}, split, source,
    warnings}`, the parts being train, validation and held_out.
    `scratch` is a folder for the children of all processes, `held_out_rows` the least for the gate.
    Raises DataRefused with every kind of fault, how often it is there and in which rows.
    """
    task = task_of(request, places, held_out_rows, keep=False)
    with scratch_folder(scratch, PREFIX) as folder:
        child = start_reading(task, expected, places, folder, timeout_s, time.monotonic())
        try:
            while (outcome := child.poll(time.monotonic())) is None:
                time.sleep(POLL_S)
        finally:
            child.kill()
            child.clean()
    return facts_of(outcome, request)
