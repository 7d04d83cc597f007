"""Who is in memory and who gives way: decisions alone."""

import pytest

from service.repository.states import State, VersionRow
from service.runtime.slot import COMING, Slot
from service.web.budget import REFUSED, STAY_S, WAITS, Budget, give_way, in_order
from tests.fakes import FakeVersion

A, B, C, D = (("a", 1), ("b", 1), ("c", 1), ("d", 1))


def slot(model: str, size: int, used: float, leases: int = 0, at: float = 0.0) -> Slot[FakeVersion]:
    return Slot(model, 1, "1", FakeVersion(), at, size, used, leases)


def leaving(slots: list[Slot[FakeVersion]], excess: int, wall: float = 1000.0) -> list[str]:
    return [slot.model for slot in give_way(slots, excess, {B}, wall)]


def test_without_a_limit_nothing_is_cold() -> None:
    budget = Budget()
    budget.want({A: 10**12, B: 10**12}, [], [])
    assert not budget.is_cold(A)
    assert not budget.is_cold(B)
    assert budget.excess([slot("a", 10**12, 0.0)], 10**12) == 0


def test_at_first_as_many_as_fit_and_smaller_ones_after_one_that_does_not() -> None:
    budget = Budget(100)
    budget.want({A: 60, B: 50, C: 40, D: 1}, [], [])
    assert [budget.is_cold(key) for key in (A, B, C, D)] == [False, True, False, True]
    assert budget.why_absent(A) == COMING
    assert budget.why_absent(B) == WAITS


def test_one_that_is_larger_than_all_memory_has_it_alone() -> None:
    budget = Budget(100)
    budget.want({A: 600, B: 1}, [], [])
    assert not budget.is_cold(A)
    assert budget.is_cold(B)


def test_what_is_asked_for_is_wanted_until_it_is_given_up() -> None:
    budget = Budget(100, is_waited_for=False)
    sizes = {A: 60, B: 60, C: 60}
    budget.want(sizes, [], [])
    budget.want(sizes, [B], [C])
    assert not budget.is_cold(B)
    assert not budget.is_cold(C)
    assert budget.why_absent(B) == REFUSED, "until it is there, requests are told to come back"
    budget.give_up([A, B])
    budget.want(sizes, [], [])
    assert budget.is_cold(B)
    assert budget.is_cold(A), "nothing is loaded only because there is room"


def test_what_comes_later_is_loaded_where_there_is_room() -> None:
    budget = Budget(100)
    budget.want({A: 60}, [], [])
    budget.want({A: 60, B: 30, C: 30}, [], [])
    assert not budget.is_cold(B)
    assert budget.is_cold(C)


def test_what_is_served_no_more_is_forgotten() -> None:
    budget = Budget(100)
    budget.want({A: 60, B: 60}, [], [])
    budget.want({B: 60}, [A], [])
    assert budget.is_cold(B)
    assert not budget.is_cold(A)
    budget.want({A: 10, B: 60}, [], [])
    assert not budget.is_cold(A)


@pytest.mark.parametrize(
    ("excess", "expected"),
    [(0, []), (-5, []), (1, ["c"]), (10, ["c"]), (11, ["c", "a"]), (99, ["c", "a", "d"])],
)
def test_the_least_recently_used_give_way(excess: int, expected: list[str]) -> None:
    slots = [slot("a", 10, 20.0), slot("b", 10, 1.0), slot("c", 10, 10.0), slot("d", 10, 30.0)]
    assert leaving(slots, excess) == expected


def test_who_holds_a_lease_or_has_just_come_stays() -> None:
    slots = [slot("a", 10, 0.0, leases=1), slot("c", 10, 0.0, at=1000.0 - STAY_S / 2)]
    assert leaving(slots, 5) == []
    assert leaving(slots, 5, 1000.0 + STAY_S) == ["c"]
    assert leaving(slots, 5, 900.0) == ["c"], "the clock was set back"


def test_current_ones_come_first_then_the_recently_used_ones_then_by_name() -> None:
    rows = [
        VersionRow("x", 1, State.READY),
        VersionRow("x", 2, State.READY, current=True),
        VersionRow("b", 1, State.READY, current=True),
        VersionRow("a", 1, State.READY, current=True),
        VersionRow("y", 1, State.READY),
    ]
    used = {("x", 2): 5.0, ("y", 1): 9.0, ("b", 1): 1.0}
    assert [(row.model, row.version) for row in in_order(rows, used)] == [
        ("x", 2), ("b", 1), ("a", 1), ("y", 1), ("x", 1),
    ]  # fmt: skip
