"""Keys of receipts that lie in a list, and a clock to be stepped."""

from dataclasses import replace

from service.quality.receipt import Receipts
from service.quality.receipt_keys import ReceiptKey, ReceiptKeys

MODELS = "/srv/models"
NOW = 1_800_000_000.0


class Clock:
    """Seconds since 1970, or of a monotonic clock."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class KeyList:
    """A source of keys; several processes may read it."""

    def __init__(self, *ids: str) -> None:
        self.keys = [ReceiptKey(one, one.encode() * 4, NOW) for one in ids]
        self.looks = 0

    def get_or_create(self, at: float) -> list[ReceiptKey]:
        self.looks += 1
        if not self.keys:
            self.rotate("00000001", at)
        return list(self.keys)

    def rotate(self, key: str, at: float) -> None:
        self.keys = [replace(one, retired_at=one.retired_at or at) for one in self.keys]
        self.keys.append(ReceiptKey(key, key.encode() * 4, at))


def keys_of(source: KeyList, clock: Clock) -> ReceiptKeys:
    """The keys as one process knows them."""
    keys = ReceiptKeys(source, clock, clock)
    keys.refresh()
    return keys


def receipts_of(source: KeyList, clock: Clock, repository: str = MODELS) -> Receipts:
    """The receipts of one process."""
    return Receipts(keys_of(source, clock), repository, clock)
