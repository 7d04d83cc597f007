"""The TensorFlow process as its keeper sees it: there while needed, back when it died."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from service.base.settings import bare_environment
from service.controller.tracked import Tracked
from service.repository.policy import settle
from service.repository.route import Route
from service.repository.states import VersionRow

logger = logging.getLogger(__name__)

PROGRAM = "service.loading.tensorflow_server"
BACKOFF_S = (0.0, 1.0, 2.0, 5.0, 15.0)
STEADY_S = 60.0  # whoever has lived so long dies for the first time


def is_needed(
    rows: list[VersionRow],
    routes: Mapping[str, Route],
    tracked: Mapping[tuple[str, int], Tracked],
) -> bool:
    """Whether something that is served is run by TensorFlow."""
    served = ((row.model, row.version) for row in settle(rows, routes) if row.served)
    compiled = [tracked[key].serving() for key in served if key in tracked]
    return any(item is not None and item.runtime == "tensorflow" for item in compiled)


class TensorFlowRuntime:
    """Keeps none or one such process."""

    def __init__(self, run_dir: Path, compiled_dir: Path) -> None:
        self._run_dir = run_dir
        self._compiled_dir = compiled_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._started_at = self._start_at = 0.0

    def step(self, is_needed: bool, now: float) -> None:
        """Start it, start it again, or end it."""
        if self._process is not None and self._process.poll() is not None:
            logger.warning("tensorflow runtime ended", extra={"code": self._process.returncode})
            self._process = None
            self._deaths = 1 if now - self._started_at > STEADY_S else self._deaths + 1
            self._start_at = now + BACKOFF_S[min(self._deaths - 1, len(BACKOFF_S) - 1)]
        if is_needed and self._process is None and now >= self._start_at:
            self._start()
            self._started_at = now
        elif not is_needed and self._process is not None:
            self.close()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        scratch = self._run_dir / "tensorflow"
        scratch.mkdir(parents=True, exist_ok=True)
        with (scratch / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", PROGRAM, str(self._run_dir), str(self._compiled_dir),
                 str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env=bare_environment(scratch),
            )  # fmt: skip
        logger.info("tensorflow runtime started", extra={"pid": self._process.pid})
