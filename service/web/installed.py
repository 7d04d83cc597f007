"""Notices that the package's files were replaced under a running service."""

import logging
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent.parent


class Installed:
    """What was installed when the master started.

    The master stays small: each worker imports what it needs from the files as they are when it
    begins. Files of another version make it a mixture of both, if it comes up at all.
    """

    def __init__(self, package: Path = PACKAGE) -> None:
        self._package = package
        self._first = self._look()

    def check(self) -> bool:
        """False, and a line in the log, if a worker that begins now meets other files."""
        if self._look() == self._first:
            return True
        logger.error(
            "the installed files have changed under the running service; restart it",
            extra={"package": str(self._package)},
        )
        return False

    def _look(self) -> dict[str, tuple[int, int]]:
        found = {}
        for file in self._package.rglob("*.py"):
            with suppress(OSError):  # it is being replaced
                about = file.stat()
                found[str(file)] = (about.st_mtime_ns, about.st_size)
        return found
