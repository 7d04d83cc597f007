"""Whether there is room on the disk for an upload, before a byte of it is taken."""

from contextlib import suppress
from pathlib import Path

from service.base.http_errors import StorageFull
from service.base.owned_folder import hold_folder, sweep
from service.base.room import free_room
from service.web.upload.receiver import PREFIX


def check_room(folder: Path, length: int) -> None:
    """Raise StorageFull where so many bytes don't go into the folder of uploads.

    What killed workers have left there must not keep out the upload that would remove it.
    """
    with suppress(OSError):  # not made yet
        if length > free_room(folder.parent) and folder.is_dir():
            with hold_folder(folder):
                sweep(folder, (PREFIX,))
        room = free_room(folder.parent)
        if length > room:
            raise StorageFull(
                f"There is no room in the state directory: the upload has {length} bytes, "
                f"{room} may come; nothing was kept"
            )
