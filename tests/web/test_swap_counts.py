"""How moves of a model's pointer are counted out of the audit."""

from service.repository.audit import AuditEntry
from service.web.swap_counts import SETTLED_S, SwapCounts


class Audit:
    """Entries that become visible when the test says so."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.asked: list[int] = []

    def add(self, number: int, at: float, action: str = "promote", to: int = 2) -> None:
        before, after = {"current": 1}, {"current": to}
        entry = AuditEntry(at, "m", action, "x", before=before, after=after, id=number)
        self.entries.insert(0, entry)

    def read(self, after: int) -> list[AuditEntry]:
        self.asked.append(after)
        return [entry for entry in self.entries if entry.id > after]


def test_moves_are_counted_by_their_reason_and_nothing_else_is() -> None:
    audit = Audit()
    audit.add(1, at=0)
    audit.add(2, at=0, action="rollback")
    audit.add(3, at=0)
    audit.add(4, at=0, to=1)  # it was current already
    audit.entries.append(AuditEntry(0, "m", "advance", "x", after={"current": 1}, id=6))
    audit.entries.append(AuditEntry(0, "m", "label", "x", after={"label": "candidate"}, id=5))

    counts = SwapCounts(audit.read)

    assert counts.count(100.0) == {("m", "promote"): 2, ("m", "rollback"): 1}


def test_each_is_counted_once_however_often_one_looks() -> None:
    audit, counts = Audit(), None
    counts = SwapCounts(audit.read)
    audit.add(1, at=0)

    seen = [counts.count(now)["m", "promote"] for now in (1, 2, 2 * SETTLED_S, 3 * SETTLED_S)]

    assert seen == [1, 1, 1, 1]
    assert audit.asked == [0, 0, 0, 1]  # an entry that has settled isn't read again


def test_one_that_is_committed_after_a_later_one_is_counted_as_well() -> None:
    audit = Audit()
    counts = SwapCounts(audit.read)
    audit.add(2, at=100)
    before = counts.count(101)["m", "promote"]
    audit.add(1, at=100)

    assert before == 1
    assert counts.count(102)["m", "promote"] == 2
    assert counts.count(100 + 2 * SETTLED_S)["m", "promote"] == 2
