"""The program of a child process that reads data files, where a crash does no harm.

    python -m service.data.child FOLDER

reads FOLDER/task.json, confines itself, and writes FOLDER/result.json with the facts of the rows.
If it was asked to keep them, the arrays are in FOLDER/data.
"""

import sys
from pathlib import Path

from service.base.compiled import digest_file
from service.base.refusals import DataRefused
from service.base.task import Record, report, run_task
from service.data.dataset import DataLimits, Expected
from service.data.dividing import Division, check_columns, divide
from service.data.reader import read_dataset
from service.data.splitting import TRAIN
from service.data.stored import save_divided
from service.data.wording import file_text
from service.recipe.data import Split

DATA = "data"


def main() -> int:
    """Do the task in the folder named on the command line."""
    run_task(Path(sys.argv[1]), _perform, _too_large)
    return 0


def _perform(task: Record, folder: Path) -> Record:
    report("read")
    expected = Expected.from_json(task["expected"])
    limits = DataLimits(**task["data_limits"])
    others = {
        part: read_dataset(Path(path), expected.for_part(), limits)
        for part, path in task["files"].items()
        if part != TRAIN
    }
    path = Path(task["files"][TRAIN])
    data = read_dataset(path, expected, limits)
    for part, other in others.items():
        check_columns(file_text(Path(task["files"][part]).name), other, data)
    report("divide")
    split = None if task["split"] is None else Split(**task["split"])
    division = Division(split, others, task["held_out_rows"])
    divided = divide(file_text(path.name), data, expected, division)
    divided.facts["source"] = {
        _field(part): {
            "name": task["names"][part],
            "sha256": digest_file(Path(file)),
            "bytes": Path(file).stat().st_size,
        }
        for part, file in task["files"].items()
    }
    if task["keep"]:
        report("store")
        save_divided(divided, folder / DATA)
    return {"facts": divided.facts}


def _field(part: str) -> str:
    """The field of a request that names the file of a part."""
    return "file" if part == TRAIN else f"{part}_file"


def _too_large(limit_mib: int) -> DataRefused:
    return DataRefused("the data file", "", f"needs more than {limit_mib} MiB to be read")


if __name__ == "__main__":
    sys.exit(main())
