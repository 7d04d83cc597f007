"""The two halves of a service started apart, the controller with a clock that can be set."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.house import House
from tests.running import RunningService, free_port

LIBRARIES = ("/usr/lib", "/usr/local/lib", "/lib")
LIBRARY = "libfaketimeMT.so.1"


class Clock:
    """The wall clock of processes that are started with it; it can be set while they run.

    The monotonic clock stays real. With it libfaketime lets nobody sleep until a time, which is
    how Python's `time.sleep` does it: it suits processes that only wait for events.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Let it be so much later for them from now on, or earlier."""
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{ahead_s:+d}\n")
        aside.rename(self._file)

    def environment(self) -> dict[str, str]:
        """What has a process use it."""
        return {
            "LD_PRELOAD": str(faketime_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


class Halves(RunningService):
    """`kerasd web`, and `kerasd controller` with the clock."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state_dir = house.state_dir
        self.log = house.state_dir.with_suffix(".log")
        self._house = house
        self.controller = self._start("controller", clock.environment())
        self.process = self._start("web", {})

    def stop(self) -> int:
        self.controller.terminate()
        self.controller.wait(60)
        return super().stop()

    def _start(self, half: str, clock: Mapping[str, str]) -> subprocess.Popen[bytes]:
        settings = {
            "KERASD_STATE_DIR": str(self.state_dir),
            "KERASD_PORT": str(self.port),
            "KERASD_WORKERS": "2",
        }
        command = [sys.executable, "-m", "service.cli.main", half, str(self._house.repository)]
        with self.log.open("ab") as log:
            environment = {**os.environ, **settings, **clock}
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


@contextmanager
def halves(house: House, clock: Clock) -> Iterator[Halves]:
    """Both, ready; they are ended whatever happens."""
    service = Halves(house, clock)
    try:
        service.wait_ready()
        yield service
    finally:
        service.stop()


def faketime_library() -> Path:
    """Debian's package faketime has it."""
    for folder in LIBRARIES:
        found = next(Path(folder).glob(f"*/faketime/{LIBRARY}"), None)
        if found is not None:
            return found
    raise AssertionError(f"{LIBRARY} is missing: apt-get install faketime")
