"""The program of a child process that reads one uploaded model.yaml.

    python -m service.web.upload.config_child FOLDER

reads FOLDER/task.json, confines itself, and writes FOLDER/result.json. The parser of YAML is
written in Python: in a worker, a short file would hold up its requests for a long time.
"""

import sys
from pathlib import Path

from service.base.refusals import ModelConfigInvalid
from service.base.task import Record, report, run_task
from service.repository.model_config import read_model_config


def main() -> int:
    """Do the task in the folder named on the command line."""
    run_task(Path(sys.argv[1]), _perform, _too_large)
    return 0


def _perform(task: Record, _folder: Path) -> Record:
    report("config")
    config = read_model_config(Path(task["config"]))
    return {"config": config.model_dump(mode="json", exclude_defaults=True)}


def _too_large(limit_mib: int) -> ModelConfigInvalid:
    return ModelConfigInvalid(f"needs more than {limit_mib} MiB to be read")


if __name__ == "__main__":
    sys.exit(main())
