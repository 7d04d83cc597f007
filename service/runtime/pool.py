"""The versions that this process has loaded, lent by lease, and where each model's requests go.

A model's `Directions` are replaced as a whole. Each request first compares the bell: if it was rung
since, the directions are read anew, so that no request that begins after a change meets what was
before it. A version that gives way is closed when its last lease ends.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic

from service.base.bell import Bell
from service.base.errors import KerasdError, LabelUnknown, ModelNotFound, ModelNotReady
from service.base.metrics import MODEL_DRAIN
from service.runtime.asked import Asked, Key
from service.runtime.directions import Directions, Picks
from service.runtime.slot import NOWHERE, Absent, Entry, Served, Signpost, Slot

STARTING = Absent("the service has just started", is_coming=True)


class Lease(Generic[Served]):
    """The right to run one version, which is found when the lease is entered."""

    __slots__ = ("_label", "_model", "_picks", "_pool", "_post", "_slot", "_version")

    def __init__(
        self, pool: "Pool[Served]", model: str, version: int | None, label: str, picks: Picks | None
    ) -> None:
        self._pool = pool
        self._model = model
        self._version = version
        self._label = label
        self._picks = picks

    def __enter__(self) -> Slot[Served]:
        self._slot, self._post = self._pool.take(
            self._model, self._version, self._label, self._picks
        )
        return self._slot

    @property
    def directions(self) -> Directions:
        """What the lease went by; those that lead nowhere for a version asked for by number."""
        return self._post.directions

    def __exit__(self, *_error: object) -> None:
        self._pool.give_back(self._slot, self._post)


class Pool(Generic[Served]):
    """All loaded versions. Leases are cheap: a lock held for some hundred nanoseconds.

    `resync` is called by whoever first meets a rung bell, one at a time; it calls `direct` and
    `expect`, and takes no leases. All else that changes the pool belongs to one thread.
    """

    def __init__(self, bell: Bell | None = None) -> None:
        self.resync: Callable[[], None] = _nothing
        self._bell = bell
        self._heard = self.rung
        self._hearing = threading.Lock()
        self._entries: dict[str, Entry[Served]] = {}
        self._asked = Asked()
        self._by_number = Signpost(NOWHERE)  # counts the leases that follow no directions
        self._is_known = False
        self._lock = threading.Lock()

    @property
    def rung(self) -> int:
        """What the bell shows."""
        return 0 if self._bell is None else self._bell.value

    def lease(
        self, model: str, version: int | None = None, label: str = "", picks: Picks | None = None
    ) -> Lease[Served]:
        """Hold a version while it runs: the one asked for, or the one that the directions lead to.

        `picks` says whether a request without version and label is one of the canary's. Entering
        raises ModelNotFound for what there isn't, LabelUnknown, or ModelNotReady for what is known
        but not loaded.
        """
        return Lease(self, model, version, label, picks)

    def take(
        self, model: str, version: int | None, label: str, picks: Picks | None
    ) -> tuple[Slot[Served], Signpost]:
        """The beginning of a lease. Every prediction passes here: the usual way is written out."""
        if self._bell is not None and self._bell.value != self._heard:
            self._hear(self._bell)
        with self._lock:
            entry = self._entries.get(model)
            if entry is None:
                raise self._refusal(None, model, version, label)
            slot = None
            if version is None:
                post = entry.post
                directions = post.directions
                split = directions.split
                if split is not None and picks is not None and not label and picks(split):
                    slot = self._find_canary(entry, model, split.version)
                if slot is None:
                    target = directions.labels.get(label) if label else directions.current
                    slot = None if target is None else entry.slots.get(target)
            else:
                post = self._by_number
                slot = entry.slots.get(version)
            if slot is None:
                raise self._refusal(entry, model, version, label)
            slot.leases += 1
            post.leases += 1
            slot.last_held = time.time()
        return slot, post

    def give_back(self, slot: Slot[Served], post: Signpost) -> None:
        """The end of a lease; the last one closes what had to give way."""
        with self._lock:
            slot.leases -= 1
            post.leases -= 1
            is_last = slot.retired_at is not None and slot.leases == 0
        if is_last:
            _close(slot)

    def has(self, model: str, version: int | None = None, label: str = "") -> bool:
        """True when what a request asks for is loaded; if not, the request is remembered."""
        if self._bell is not None and self._bell.value != self._heard:
            self._hear(self._bell)
        with self._lock:
            entry = self._entries.get(model)
            slot = None if entry is None else entry.find(version, label)
            if slot is not None:
                slot.last_held = time.time()  # its request is about to take a lease
            elif entry is not None:
                self._remember(entry, model, version, label)
        return slot is not None

    def knows(self, model: str) -> bool:
        """True when there is such a model, loaded or not."""
        entry = self._entries.get(model)
        return entry is not None and bool(entry.slots or entry.absent)

    def absence(self, model: str, version: int | None = None, label: str = "") -> Absent | None:
        """Why what a request asks for isn't loaded; none where it is, or where there is no such."""
        with self._lock:
            entry = self._entries.get(model)
            if entry is None:
                return None if self._is_known else STARTING
            return None if entry.find(version, label) else entry.why_not(version, label)

    def expect(self, absent: Mapping[str, Mapping[int, Absent]]) -> None:
        """Tell which versions of these models there are besides the loaded ones, and why not.

        Called before the first of them is loaded: until then every model is pending.
        """
        with self._lock:
            for model, versions in absent.items():
                self._entry(model).absent = dict(versions)
            self._is_known = True

    def direct(self, directions: Mapping[str, Directions]) -> None:
        """Lead the requests that begin from now on; what is older than what is there is ignored."""
        with self._lock:
            for model, new in directions.items():
                entry = self._entry(model)
                old = entry.post.directions
                if new.revision >= old.revision and new != old:
                    entry.turn(new)

    def forget(self, model: str, revision: int) -> None:
        """Follow older directions again if these are still there: their record is gone."""
        with self._lock:
            entry = self._entry(model)
            if entry.post.directions.revision == revision:
                entry.turn(NOWHERE)

    def directions(self, model: str) -> Directions | None:
        """Where requests of a model are led now."""
        entry = self._entries.get(model)
        return None if entry is None or entry.post.directions is NOWHERE else entry.post.directions

    def is_drained(self, model: str, revision: int) -> bool:
        """True when no lease is left that went by directions from before this revision."""
        with self._lock:
            entry = self._entry(model)
            entry.older = [post for post in entry.older if post.leases]
            posts = (entry.post, *entry.older)
            return all(post.directions.revision >= revision for post in posts)

    def put(self, slot: Slot[Served]) -> None:
        """Lend a version from now on; one of the same number closes after its last lease."""
        with self._lock:
            slots = self._entry(slot.model).slots
            previous = slots.get(slot.version)
            slots[slot.version] = slot
            self._asked.drop((slot.model, slot.version))
        self._retire(previous)

    def remove(self, model: str, version: int) -> None:
        """Lend a version no more; it closes after its last lease."""
        with self._lock:
            previous = self._entry(model).slots.pop(version, None)
        self._retire(previous)

    def evict(self, slot: Slot[Served], absent: Absent, idle_since: float) -> bool:
        """Close a version unless it is leased or has been since then, by the wall clock.

        A lease in the future is one of a clock that has been set back. False where it stays.
        """
        with self._lock:
            if slot.leases or idle_since < slot.last_held <= time.time():
                return False
            entry = self._entry(slot.model)
            entry.slots.pop(slot.version, None)
            entry.absent[slot.version] = absent
        self._retire(slot)
        return True

    def asked(self, now: float) -> list[Key]:
        """The versions that requests ask for though they aren't loaded, the first asked first."""
        with self._lock:
            return self._asked.keys(now)

    def slot(self, model: str, version: int | None) -> Slot[Served] | None:
        """A version if it is loaded, without a lease: to look at, not to run."""
        entry = self._entries.get(model)
        return None if entry is None or version is None else entry.slots.get(version)

    def slots(self) -> list[Slot[Served]]:
        """What is loaded now, by model and version."""
        with self._lock:
            return [
                entry.slots[version]
                for _, entry in sorted(self._entries.items())
                for version in sorted(entry.slots)
            ]

    def _hear(self, bell: Bell) -> None:
        with self._hearing:
            value = bell.value  # before the look: what is rung meanwhile is looked at again
            if value == self._heard:
                return
            try:
                self.resync()
            finally:  # no request but this one fails, should that fail
                self._heard = value

    def _entry(self, model: str) -> Entry[Served]:
        entry = self._entries.get(model)
        if entry is None:
            entry = self._entries[model] = Entry()
        return entry

    def _find_canary(self, entry: Entry[Served], model: str, version: int) -> Slot[Served] | None:
        slot = entry.slots.get(version)
        if slot is None:
            self._remember(entry, model, version, "")
        return slot

    def _remember(self, entry: Entry[Served], model: str, version: int | None, label: str) -> None:
        target, why = entry.target(version, label), entry.why_not(version, label)
        if target is not None and why is not None and (why.is_cold or why.is_coming):
            self._asked.add((model, target), time.monotonic())

    def _refusal(
        self, entry: Entry[Served] | None, model: str, version: int | None, label: str
    ) -> KerasdError:
        if entry is None or not (entry.slots or entry.absent):
            if self._is_known:
                return ModelNotFound(model, version)
            return ModelNotReady(model, STARTING.reason)
        target = entry.target(version, label)
        if label and target is None:
            return LabelUnknown(label)
        why = entry.why_not(version, label)
        if why is None:
            return ModelNotFound(model, target)
        self._remember(entry, model, version, label)
        return ModelNotReady(model, why.reason or "it is being loaded")

    def _retire(self, slot: Slot[Served] | None) -> None:
        if slot is None:
            return
        with self._lock:
            slot.retired_at = time.monotonic()
            is_unused = slot.leases == 0
        if is_unused:
            _close(slot)


def _close(slot: Slot[Served]) -> None:
    if slot.retired_at is not None:
        MODEL_DRAIN.labels(slot.model).observe(time.monotonic() - slot.retired_at)
    slot.served.close()


def _nothing() -> None:
    """Until somebody keeps the directions."""
