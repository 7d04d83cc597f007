"""gunicorn's master: how it ends its workers, and how long it waits for them."""

import queue
import signal
import time
from contextlib import suppress

from gunicorn import sock
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from service.web.ending import Ending

TICK_S = 0.1
INTERRUPTS = (signal.SIGINT, signal.SIGQUIT)


class Master(Arbiter):
    """gunicorn's, which closes its copy of the listening socket and tells the workers, whose copies
    live on; a worker that dies from then on is not replaced."""

    LISTENERS: list[sock.BaseSocket]

    def __init__(self, server: BaseApplication, ending: Ending) -> None:
        super().__init__(server)
        self._ending = ending

    def stop(self, graceful: bool = True) -> None:
        """End the workers, who see before they are told that all of them end.

        gunicorn's own goes by the wall clock, which may be set meanwhile, and leaves the workers
        two seconds once it is interrupted.
        """
        if not (self.systemd or self.reexec_pid or self.master_pid):  # or the socket lives on
            self._ending.begin_everywhere()
        sock.close_sockets(self.LISTENERS, unlink=False)
        self.LISTENERS = []
        self.kill_workers(signal.SIGTERM if graceful else signal.SIGQUIT)
        self._wait(time.monotonic() + self.cfg.graceful_timeout, is_hurried=not graceful)
        self.kill_workers(signal.SIGKILL)
        self.reap_workers()

    def _wait(self, limit: float, is_hurried: bool) -> None:
        """Until all have ended; an interrupt cuts their draining short, the next one the wait."""
        while self.WORKERS and time.monotonic() < limit:
            if self._is_interrupted():
                if is_hurried:
                    return
                is_hurried = True
                self.kill_workers(signal.SIGQUIT)
            self.reap_workers()
            time.sleep(TICK_S)

    def _is_interrupted(self) -> bool:
        with suppress(queue.Empty):
            while self.SIG_QUEUE.get_nowait() not in INTERRUPTS:
                continue
            return True
        return False
