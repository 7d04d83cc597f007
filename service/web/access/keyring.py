"""The keys that are good now, read again when their file changes."""

import hmac
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.base.errors import KeysRefused
from service.base.key_file import KeyRecord, read_keys
from service.base.key_text import digest, split_key
from service.base.rate import Rate, parse_rate
from service.web.access.caller import Caller

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key by its digest; good until `ends`, in seconds since 1970."""

    caller: Caller
    digest: bytes
    ends: float
    rate: Rate | None


NOBODYS = KnownKey(Caller("", frozenset()), bytes(32), -math.inf, None)


class KeyRing:
    """Looks at the file once a second, on whichever request comes then: a system call.

    A file that can't be used is told of in the log, once, and the keys of the last good one stay.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looking = threading.Lock()
        self._next_look = -math.inf
        self._stamp: Stamp | None = None
        self._told: Stamp | None = None
        self._known: Mapping[str, KnownKey] = {}

    def find(self, text: bytes) -> KnownKey | None:
        """Whose key this is, or none; it takes as long for keys that nobody has."""
        if self._clock() >= self._next_look:
            self._look()
        parts = split_key(text)
        if parts is None:
            return None
        known = self._known.get(parts[0], NOBODYS)
        is_right = hmac.compare_digest(digest(parts[1]), known.digest)
        return known if is_right and time.time() < known.ends else None

    def _look(self) -> None:
        if not self._looking.acquire(blocking=False):
            return  # another thread does; until then what is known is good enough
        try:
            self._next_look = self._clock() + LOOK_EVERY_S
            stamp = self._read_stamp()
            if stamp != self._stamp and self._read(stamp):
                self._stamp = stamp
        finally:
            self._looking.release()

    def _read_stamp(self) -> Stamp | None:
        """What changes with the file's content; none where there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, stamp: Stamp | None) -> bool:
        """Take over the file; false if it can't be used, and then it is tried again."""
        try:
            self._known = {key.id: _known(key) for key in read_keys(self._path) if not key.revoked}
        except KeysRefused as error:
            if self._told != stamp or stamp is None:
                logger.error("keys not read; those read before stay", extra={"reason": str(error)})
            self._told = stamp
            return stamp is None
        self._told = None
        logger.info("keys read", extra={"keys": len(self._known)})
        return True


def _known(key: KeyRecord) -> KnownKey:
    return KnownKey(
        Caller(key.name, frozenset(key.roles), frozenset(key.models)),
        bytes.fromhex(key.sha256),
        math.inf if key.expires is None else key.expires.timestamp(),
        parse_rate(key.rate) if key.rate else None,
    )
