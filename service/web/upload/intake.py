"""Which uploads a worker takes, decided by their heads: before a byte of the body is read."""

import threading
from collections.abc import Mapping

from service.base.durable import storing
from service.base.errors import Overloaded
from service.base.http_errors import Forbidden, UploadTooLarge
from service.base.settings import MEBIBYTE, Settings
from service.repository.shelf import open_shelf
from service.web.upload.head import UploadHead, is_upload, read_head
from service.web.upload.receiver import Receiver, Rules
from service.web.upload.room import check_room

AT_ONCE = 4


class Intake:
    """One worker's; an upload counts from its head until it was answered."""

    def __init__(self, settings: Settings) -> None:
        self.rules = Rules(
            settings.state_dir / "incoming",
            settings.max_upload_mb * MEBIBYTE,
            settings.upload_saved_models,
        )
        self._is_on = settings.model_control
        self._shelf = open_shelf(settings)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def takes(self, method: str, path: str) -> bool:
        """True for the route of versions; quick."""
        return is_upload(method, path)

    def begin(self, path: str, query: str, headers: Mapping[str, str]) -> Receiver:
        """Who takes the body of this request; to be closed in the end. Quick: the event loop asks.

        Raises RequestInvalid, Forbidden, UploadTooLarge, Overloaded.
        """
        if not self._is_on:
            raise Forbidden("Changing models over HTTP is switched off (model_control)")
        head = read_head(path, query, headers)
        if (head.length or 0) > self.rules.max_bytes:
            raise UploadTooLarge(self.rules.max_bytes)
        if not self._free.acquire(blocking=False):
            raise Overloaded("uploads", AT_ONCE)
        return Receiver(head, self.rules, self._free.release, self._admit)

    def _admit(self, head: UploadHead) -> None:
        """What needs a look at disks, which may be slow: in the thread that gets the body.

        Raises Conflict, StorageFull, RemoteAway.
        """
        with storing("repository"):
            self._shelf.check_writable(head.model)
        check_room(self.rules.folder, head.length or 0)
