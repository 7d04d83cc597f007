"""The mirror of a remote repository, kept by one process: a thread looks, a step places."""

import fcntl
import logging
import os
import threading
from contextlib import suppress

from service.base.bell import Bell
from service.base.settings import Settings
from service.repository.remote.content import Content
from service.repository.remote.mirror import Mirror, Plan
from service.repository.remote.places import open_repository
from service.repository.remote.status import WHOLE
from service.repository.remote.syncing import Pace, Syncing

BELL = "remote_bell"  # rung by whoever has changed the repository
PAUSE_S = 1.0
GRACE_S = 10.0  # a controller beside may still be starting

logger = logging.getLogger(__name__)


class Mirroring:
    """Waits for the lock, then keeps the mirror.

    With `notes_only` it holds what is told of versions and not their files, for web processes
    without a controller beside them; it never touches a mirror that has more.
    """

    def __init__(self, settings: Settings, notes_only: bool = False) -> None:
        self._folder = settings.mirror_dir.absolute()
        self._address = settings.repository_url
        self._notes_only = notes_only
        self._bell = Bell(settings.run_dir / BELL)
        content = Content(self._folder)
        self._mirror = Mirror(self._folder, content)
        self._syncing = Syncing(
            open_repository(settings),
            content,
            self._folder,
            Pace(settings.settle_s, settings.remote_poll_s),
            lambda: self._bell.value,
            notes_only,
        )
        self._lock = -1
        self._why = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def step(self, _now: float = 0.0) -> None:
        """Have in the folder what was found; called by whoever scans it."""
        if self._lock < 0 and not self._has_begun():
            return
        plan = self._syncing.plan
        if plan is not None:
            self._place(plan)

    def is_gone(self, model: str, version: int) -> bool:
        """Whether a version that isn't in the folder is gone: only a complete listing tells."""
        listed = self._syncing.listed
        return listed is not None and (model, version) not in listed

    def start(self) -> None:
        """Step in a thread, where nobody here scans the folder."""
        self._thread = threading.Thread(target=self._loop, name="mirroring", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the mirror; it stays as it is."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PAUSE_S)
        self._syncing.close()
        self._bell.close()
        if self._lock >= 0:
            os.close(self._lock)

    def _place(self, plan: Plan) -> None:
        """What the disk refuses is tried again, and told once."""
        try:
            self._mirror.place(plan)
            self._why = ""
        except OSError as error:
            self._tell(error)

    def _has_begun(self) -> bool:
        try:
            return self._begin()
        except OSError as error:
            self._tell(error)
            return False

    def _tell(self, error: OSError) -> None:
        if self._why != str(error.strerror):
            self._why = str(error.strerror)
            logger.warning("the mirror can't be written", extra={"why": self._why})

    def _begin(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._notes_only:
            (self._folder / WHOLE).touch()
        elif (self._folder / WHOLE).exists():
            return False
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        what = f"notes of {self._address}" if self._notes_only else self._address
        try:
            self._syncing.open(self._mirror.open(what))
            self._syncing.start()
        except BaseException:
            os.close(handle)  # a lock that is lost would keep this very process out
            raise
        self._lock = handle
        return True

    def _loop(self) -> None:
        if self._stop.wait(GRACE_S):
            return
        while not self._stop.wait(PAUSE_S):
            self._turn()

    def _turn(self) -> None:
        """One step; a keeper of notes leaves when a controller comes."""
        if (self._folder / WHOLE).exists():
            self._syncing.close()
            self._stop.set()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1
            return
        with suppress(OSError):  # a full disk: what is told of versions can wait
            self.step()
