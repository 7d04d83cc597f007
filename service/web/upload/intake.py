"""Which uploads a worker takes, decided by their heads: before a byte of the body is read."""

import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from service.base.durable import storing
from service.base.errors import Overloaded
from service.base.http_errors import Forbidden, StorageFull, UploadTooLarge
from service.base.owned_folder import hold_folder, sweep
from service.base.settings import MEBIBYTE, Settings
from service.repository.publishing import check_writable
from service.web.upload.head import read_head
from service.web.upload.receiver import PREFIX, Receiver, Rules

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
        self._repository: Path = settings.repository
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def begin(self, path: str, query: str, headers: Mapping[str, str]) -> Receiver:
        """Who takes the body of this request; to be closed in the end.

        Raises RequestInvalid, Forbidden, Conflict, UploadTooLarge, StorageFull, Overloaded.
        """
        if not self._is_on:
            raise Forbidden("Changing models over HTTP is switched off (model_control)")
        head = read_head(path, query, headers)
        with storing("repository"):
            check_writable(self._repository, head.model)
        self._check_room(head.length or 0)
        if not self._free.acquire(blocking=False):
            raise Overloaded("uploads", AT_ONCE)
        return Receiver(head, self.rules, self._free.release)

    def sweep(self) -> None:
        """Remove what a worker has left that was killed."""
        if self.rules.folder.is_dir():
            with hold_folder(self.rules.folder):
                sweep(self.rules.folder, (PREFIX,))

    def _check_room(self, length: int) -> None:
        if length > self.rules.max_bytes:
            raise UploadTooLarge(self.rules.max_bytes)
        with suppress(OSError):  # not made yet
            free = shutil.disk_usage(self.rules.folder.parent).free
            if length > free:
                raise StorageFull(
                    f"There is no room in the state directory: the upload has {length} bytes, "
                    f"{free} are free; nothing was kept"
                )
