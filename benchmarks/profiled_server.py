"""One real web worker that looks at itself between signals: `profile` runs and asks it.

`python -m benchmarks.profiled_server OUT PORT`, with the service's settings in the environment.
SIGUSR2 to the worker begins and ends a stretch; the first stretch is only timed, the second one
profiled, and then OUT.profile and OUT.json are written.
"""

import cProfile
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from service.base.log import configure_logging
from service.base.settings import read_settings


class Stretches:
    """What one worker used in each stretch, and the profile of the second."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._profile = cProfile.Profile()
        self._used: list[tuple[float, float]] = []

    def begin(self, worker: Any) -> None:
        """Listen for signals; gunicorn calls this in the worker."""
        signal.signal(signal.SIGUSR2, self._turn)
        self._out.with_suffix(".pid").write_text(str(worker.pid))

    def _turn(self, _number: int, _frame: object) -> None:
        if len(self._used) == 3:
            self._profile.disable()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._used.append((usage.ru_utime, usage.ru_stime))
        if len(self._used) == 3:
            self._profile.enable()
        if len(self._used) == 4:
            self._profile.dump_stats(self._out.with_suffix(".profile"))
            self._out.with_suffix(".json").write_text(json.dumps(self._used))


def main(out: Path, port: int) -> None:
    """Serve until SIGTERM, by the service's own server with one worker."""
    settings = read_settings(port=port)
    configure_logging(settings.log_level, settings.log_format)
    settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_dir.absolute())
    from service.web.server import Server  # imports prometheus_client: after the line above

    class ProfiledServer(Server):
        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("workers", 1)
            self.cfg.set("post_worker_init", Stretches(out).begin)

    ProfiledServer(settings).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
