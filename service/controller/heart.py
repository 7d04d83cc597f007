"""That the controller works, told where others can see it: in two files and in the database.

    <run>/controller.pulse   after each step and each version that it looks at: the loop goes on
    <run>/controller.turn    after each turn all of whose steps succeeded: there is progress

The first is what a container is started anew for, the second what a deployment waits for. The row
in the database is for whoever asks a web process, on whichever machine that is.
"""

import time
from collections.abc import Callable
from pathlib import Path

from service.base.pulse import Pulse
from service.repository.remote.status import Status, read_status
from service.repository.store_heartbeats import CONTROLLER, Heartbeat, HeartbeatStore

PULSE, TURN = "controller.pulse", "controller.turn"
EVERY_S = 10.0  # a row: more often than it is scraped


class Heart:
    """`mirror_dir` is where this process mirrors the repository; none where that is a folder."""

    def __init__(
        self,
        store: HeartbeatStore,
        run_dir: Path,
        mirror_dir: Path | None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._pulse = Pulse(run_dir / PULSE)
        self._turn = Pulse(run_dir / TURN)
        self._mirror_dir = mirror_dir
        self._wall_clock = wall_clock
        self._started_at = wall_clock()
        self._due_at = 0.0
        self.stop()  # a predecessor's that was killed

    def beat(self) -> None:
        """The loop goes on."""
        self._pulse.beat(time.monotonic())

    def step(self, now: float) -> None:
        """A whole turn has succeeded. A database that is away is tried again at the next one."""
        self._turn.beat(now)
        if now < self._due_at:
            return
        mirror = self._mirror()
        self._store.write(CONTROLLER, Heartbeat(self._started_at, self._wall_clock(), mirror))
        self._due_at = now + EVERY_S

    def stop(self) -> None:
        """What beats no more is not to look alive. The row stays: its age is what tells."""
        self._pulse.stop()
        self._turn.stop()

    def _mirror(self) -> Status | None:
        return None if self._mirror_dir is None else read_status(self._mirror_dir)
