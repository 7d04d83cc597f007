"""The service without receipts and metrics: what these two cost is measured against it.

`python -m benchmarks.servers.blind_kerasd REPOSITORY PORT`, other settings in the environment.
"""

import os
import subprocess
import sys
from pathlib import Path

from service.base.settings import read_settings
from service.cli.halves import run_web_half
from service.web.counted import HttpMetrics, VersionMetrics

NOT_COUNTED = ((VersionMetrics, ("count_ok", "count_run")), (HttpMetrics, ("observe",)))


def forget(*_: object) -> None:
    """Count nothing."""


def main(repository: Path, port: int) -> None:
    """Serve until SIGTERM; the workers are forked off this process and count as little as it."""
    settings = read_settings(
        repository=repository, port=port, receipts=False, multiprocess_metrics=False
    )
    for kind, names in NOT_COUNTED:
        for name in names:
            setattr(kind, name, forget)
    command = [sys.executable, "-m", "service.cli.main", "controller"]
    command += ["--parent", str(os.getpid())]
    with subprocess.Popen(command, env=settings.environment()) as controller:
        try:
            run_web_half(settings, None)
        finally:
            controller.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
