"""How moves of a model's pointer are counted out of the audit."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.audit import AuditEntry
from service.repository.store import VersionStore
from service.repository.store_routes import Moves
from service.web.swap_counts import SETTLED_S, SwapCounts
from tests.databases import migrate


class AskedStore(VersionStore):
    """Remembers from which entry on it was asked to count."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, "repository")
        self.asked: list[int] = []

    def count_moves(self, after: int = 0, until: float | None = None) -> tuple[Moves, int]:
        self.asked.append(after)
        return super().count_moves(after, until)

    def add(self, at: float, action: str = "promote", to: int = 2, model: str = "m") -> None:
        before, after = {"current": 1}, {"current": to}
        self.note(AuditEntry(at, model, action, "x", before=before, after=after))


@pytest.fixture
def store(tmp_path: Path) -> AskedStore:
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    return AskedStore(engine)


def test_moves_are_counted_by_their_reason_and_nothing_else_is(store: AskedStore) -> None:
    store.add(0)
    store.add(0, "rollback")
    store.add(0)
    store.add(0, model="n")
    store.add(0, to=1)  # it was current already
    store.note(AuditEntry(0, "m", "advance", "x", after={"current": 1}))
    store.note(AuditEntry(0, "m", "label", "x", after={"label": "candidate"}))

    moves = SwapCounts(store).count(100.0)

    assert moves == {("m", "promote"): 2, ("m", "rollback"): 1, ("n", "promote"): 1}


def test_each_is_counted_once_however_often_one_looks(store: AskedStore) -> None:
    counts = SwapCounts(store)
    store.add(1)

    seen = [counts.count(now)["m", "promote"] for now in (1, 2, 2 * SETTLED_S, 3 * SETTLED_S)]

    assert seen == [1, 1, 1, 1]
    assert store.asked[-2:] == [1, 1], "an entry that has settled isn't read again"


def test_what_has_settled_stays_behind_one_that_has_not(store: AskedStore) -> None:
    """Entries become visible in another order than their ids tell: those after it wait with it."""
    counts = SwapCounts(store)
    store.add(100)
    store.add(0)

    assert counts.count(101)["m", "promote"] == 2
    assert counts.count(102)["m", "promote"] == 2
    assert set(store.asked) == {0}
    store.add(100)
    assert counts.count(100 + 2 * SETTLED_S)["m", "promote"] == 3
    assert counts.count(100 + 3 * SETTLED_S)["m", "promote"] == 3
