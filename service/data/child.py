"""The program of a child process that reads one data file, where a crash does no harm.

    python -m service.data.child FOLDER

reads FOLDER/task.json, confines itself, and writes FOLDER/result.json; the arrays of a file that
was taken are in FOLDER/dataset.
"""

import sys
from pathlib import Path

from service.base.refusals import DataRefused
from service.base.task import Record, report, run_task
from service.data.dataset import DataLimits, Expected
from service.data.reader import read_dataset
from service.data.stored import save_dataset

DATASET = "dataset"


def main() -> int:
    """Do the task in the folder named on the command line."""
    run_task(Path(sys.argv[1]), _perform, _too_large)
    return 0


def _perform(task: Record, folder: Path) -> Record:
    report("read")
    expected = Expected.from_json(task["expected"])
    dataset = read_dataset(Path(task["file"]), expected, DataLimits(**task["data_limits"]))
    report("store")
    return {"dataset": save_dataset(dataset, folder / DATASET)}


def _too_large(limit_mib: int) -> DataRefused:
    return DataRefused("the data file", "", f"needs more than {limit_mib} MiB to be read")


if __name__ == "__main__":
    sys.exit(main())
