"""The keys that receipts are signed with: kept in the database, known to every process by heart.

A new key signs from `SETTLE_S` after it was made. A process that meets a key it doesn't know looks
for it in the database, at most once every `REFRESH_S`, which is less: so no process can have looked
in vain shortly before a key's first receipt arrives, and a stream of invented keys costs one query
a second.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

SETTLE_S = 3.0
REFRESH_S = 1.0
TAG_BYTES = 16
FINGERPRINT_BYTES = 8


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """One key as it is kept; a retired one signs nothing any more, but is still good for reading.

    Times are in seconds since 1970. `secret` is never printed.
    """

    id: str
    secret: bytes
    created_at: float
    retired_at: float | None = None

    def __repr__(self) -> str:
        return f"ReceiptKey({self.id!r})"


class KeySource(Protocol):
    """Where the keys are kept."""

    def get_or_create(self, at: float) -> list[ReceiptKey]:
        """All keys, by age; the first one is made if there is none."""
        ...


class Signer:
    """What one key can do; safe in threads."""

    def __init__(self, key: ReceiptKey) -> None:
        self.id = key.id
        self.prefix = f"r1-{key.id}-"
        self._secret = key.secret
        self._begun = hashlib.blake2b(
            self.prefix.encode(), digest_size=TAG_BYTES, key=key.secret, person=b"kerasd receipt"
        )

    def tag(self, record: bytes) -> bytes:
        """What shows that a record is ours."""
        hashed = self._begun.copy()  # half the time that a new one takes
        hashed.update(record)
        return hashed.digest()

    def fingerprint(self, repository: str, model: str) -> bytes:
        """What a model is called inside of a record."""
        subject = f"{repository}\0{model}".encode()
        return hashlib.blake2b(
            subject, digest_size=FINGERPRINT_BYTES, key=self._secret, person=b"kerasd model"
        ).digest()


class ReceiptKeys:
    """The keys as one process knows them; `refresh` is to be called once at the start, and then
    every minute or so, for that is how a process learns of a key that it is to sign with.
    """

    def __init__(
        self,
        source: KeySource,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Signer] = {}
        self._signing: tuple[Signer, float, Signer] | None = None  # now, from when on, who then
        self._looked: float | None = None

    def signer(self, now: float) -> Signer | None:
        """What signs at this time; none before the keys were read for the first time."""
        signing = self._signing
        if signing is None:
            return None
        return signing[2] if now >= signing[1] else signing[0]

    def find(self, key: str) -> Signer | None:
        """The key of this id, also a retired one; looks into the database if it isn't known."""
        known = self._known.get(key)
        if known is not None:
            return known
        with self._lock:  # who finds another one looking waits for what that one finds
            if self._looked is None or self._monotonic() - self._looked >= REFRESH_S:
                self._refresh()
            return self._known.get(key)

    def refresh(self) -> None:
        """Read the keys; makes the first one."""
        with self._lock:
            self._refresh()

    def _refresh(self) -> None:
        began = self._monotonic()
        keys = self._source.get_or_create(self._clock())
        self._known = {key.id: self._known.get(key.id) or Signer(key) for key in keys}
        current, since, newest = choose(keys, self._clock())
        self._signing = (self._known[current.id], since, self._known[newest.id])
        self._looked = began


def choose(keys: Sequence[ReceiptKey], now: float) -> tuple[ReceiptKey, float, ReceiptKey]:
    """Which key signs now, from when on the newest one does, and the newest one.

    The first of all signs at once, as every process reads it before it signs anything.
    """
    ordered = sorted(keys, key=lambda key: key.created_at)
    settled = [key for key in ordered[1:] if key.created_at + SETTLE_S <= now]
    current, newest = settled[-1] if settled else ordered[0], ordered[-1]
    return current, newest.created_at + SETTLE_S, newest
