"""Which versions are in memory where not all have room: decisions alone, without a clock of theirs.

At first as many are loaded as fit, the current ones and those used last before the others. Every
other is cold until a request asks for it; then those that were used least recently give way.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from service.repository.states import VersionRow
from service.runtime.asked import Key
from service.runtime.slot import COMING, Absent, Served, Slot

STAY_S = 0.5  # the requests that have waited for a version find it before it can give way again
IDLE_S = 0.05  # a request may have found a version and not leased it yet

WAITS = Absent("it is not in memory; it is loaded as soon as there is room", True, True)
REFUSED = Absent("it is not in memory, but is being loaded now; ask again", False, True)


class Budget:
    """The versions that are to be in memory; without a limit all that are served.

    `cold` is what requests meet whose version has no room.
    """

    def __init__(self, limit_bytes: int = 0, is_waited_for: bool = True) -> None:
        self.limit_bytes = limit_bytes
        self.cold = WAITS if is_waited_for else REFUSED
        self._known: set[Key] = set()
        self._wanted: set[Key] = set()
        self._first: set[Key] = set()

    def want(
        self, served: Mapping[Key, int], asked: Collection[Key], needed: Collection[Key]
    ) -> None:
        """Take the served versions with their sizes, the most important first, into account.

        Those met for the first time are wanted if there is room for them, `asked` and `needed`
        ones are in any case.
        """
        self._wanted &= served.keys()
        self._wanted |= {*asked, *needed} & served.keys()
        taken = sum(served[key] for key in self._wanted)
        for key, size in served.items():
            has_room = not self.limit_bytes or not taken or taken + size <= self.limit_bytes
            if has_room and key not in self._known and key not in self._wanted:
                self._wanted.add(key)
                self._first.add(key)
                taken += size
        self._known = set(served)
        self._first &= self._known

    def is_cold(self, key: Key) -> bool:
        """True for a served version that nothing has asked for since it had no room."""
        return key in self._known and key not in self._wanted

    def why_absent(self, key: Key) -> Absent:
        """What requests for it meet: the first time everybody waits for a version."""
        return self.cold if key in self._known and key not in self._first else COMING

    def give_up(self, keys: Iterable[Key]) -> None:
        """Let versions be cold until they are asked for again."""
        gone = set(keys)
        self._wanted -= gone
        self._first -= gone

    def excess(self, slots: Iterable[Slot[Served]], more_bytes: int = 0) -> int:
        """How many bytes there would be above the limit; none or less if all fits."""
        if not self.limit_bytes:
            return 0
        return sum(slot.size_bytes for slot in slots) + more_bytes - self.limit_bytes


def in_order(rows: Iterable[VersionRow], used: Mapping[Key, float]) -> list[VersionRow]:
    """The most important first: current ones, then those used most recently, then by name."""

    def rank(row: VersionRow) -> tuple[bool, float, str, int]:
        return not row.current, -used.get((row.model, row.version), 0.0), row.model, row.version

    return sorted(rows, key=rank)


def give_way(
    slots: Sequence[Slot[Served]], excess: int, spared: Collection[Key], wall: float
) -> list[Slot[Served]]:
    """Those that make up for the excess, the least recently run first; fewer if there are not.

    Whoever holds a lease, is spared, or came just now stays.
    """
    chosen: list[Slot[Served]] = []
    for slot in sorted(slots, key=lambda slot: slot.last_run):
        if excess <= 0:
            break
        is_new = 0 <= wall - slot.loaded_at < STAY_S
        if slot.leases or is_new or (slot.model, slot.version) in spared:
            continue
        chosen.append(slot)
        excess -= slot.size_bytes
    return chosen
