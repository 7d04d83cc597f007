"""A bucket and its mirror, stepped by hand with times of their own."""

from pathlib import Path

from service.repository.layout import scan
from service.repository.remote.bucket import Bucket
from service.repository.remote.content import Content
from service.repository.remote.mirror import Mirror
from service.repository.remote.status import read_status
from service.repository.remote.syncing import Pace, Syncing
from tests.remote.memory import tree_of

POLL_S, SETTLE_S = 10.0, 1.5


class Stepped:
    """What a controller does in its two threads."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self.folder = folder
        self.bucket = bucket
        self.now = 100.0
        self.begin()

    def begin(self, notes_only: bool = False) -> None:
        """A new process."""
        content = Content(self.folder)
        self.mirror = Mirror(self.folder, content)
        pace = Pace(SETTLE_S, POLL_S)
        self.syncing = Syncing(self.bucket, content, self.folder, pace, lambda: 0, notes_only)
        self.syncing.open(self.mirror.open(str(self.bucket.address)))
        self.place()

    def place(self) -> None:
        plan = self.syncing.plan
        if plan is not None:
            self.mirror.place(plan)

    def look(self, after_s: float = POLL_S) -> float:
        """One look; how long the next is put off."""
        self.now += after_s
        pause_s = self.syncing.step(self.now)
        self.place()
        return pause_s

    def settle(self) -> None:
        self.look()
        self.look(SETTLE_S)

    def lies(self) -> dict[str, bytes]:
        return tree_of(self.mirror.models)

    def versions(self) -> list[tuple[str, int]]:
        return [(found.model, found.version) for found in scan(self.mirror.models)]

    def status(self) -> tuple[bool, str, int]:
        status = read_status(self.folder)
        assert status is not None
        return status.is_up, status.why, status.incomplete
