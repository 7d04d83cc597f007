"""Leases: a version in use is never closed under its user, a version unused is closed at once."""

from pathlib import Path

import pytest

from service.base.bell import Bell
from service.base.errors import LabelUnknown, ModelNotFound, ModelNotReady
from service.runtime.directions import Directions, Split
from service.runtime.pool import Pool
from service.runtime.slot import Absent, Slot
from tests.fakes import FakeVersion


def slot(version: int, served: FakeVersion | None = None) -> Slot[FakeVersion]:
    return Slot("m", version, str(version), served or FakeVersion(), 0.0)


def pool_of(*versions: int, current: int | None = 1) -> Pool[FakeVersion]:
    pool: Pool[FakeVersion] = Pool()
    pool.expect({"m": {}})
    for version in versions:
        pool.put(slot(version))
    pool.direct({"m": Directions(1, current, {"old": 1, "stable": 1, "lost": 9})})
    return pool


def answer(pool: Pool[FakeVersion], version: int | None = None, label: str = "") -> int:
    with pool.lease("m", version, label) as held:
        return held.version


class TestWhereRequestsGo:
    def test_to_the_current_version_a_numbered_one_or_a_labelled_one(self) -> None:
        pool = pool_of(1, 2, current=2)

        assert answer(pool) == 2
        assert answer(pool, 1) == 1
        assert answer(pool, label="old") == 1
        assert pool.has("m")
        assert pool.has("m", 1)
        assert pool.has("m", label="old")

    def test_the_canary_gets_those_that_are_picked_and_name_nothing(self) -> None:
        pool = pool_of(1, 2)
        split = Split(2, 0.5, b"x-user")
        pool.direct({"m": Directions(2, 1, {"old": 1}, split)})
        seen: list[Split] = []

        def picks(given: Split) -> bool:
            seen.append(given)
            return True

        with pool.lease("m", picks=picks) as held:
            assert held.version == 2
        with pool.lease("m", picks=lambda _: False) as held:
            assert held.version == 1
        with pool.lease("m", label="old", picks=picks) as held:
            assert held.version == 1
        assert answer(pool) == 1
        assert seen == [split]

    def test_a_canary_that_is_not_loaded_is_asked_for_and_the_current_one_answers(self) -> None:
        pool = pool_of(1)
        pool.expect({"m": {2: Absent(is_coming=True)}})
        pool.direct({"m": Directions(2, 1, {}, Split(2, 1.0))})

        with pool.lease("m", picks=lambda _: True) as held:
            assert held.version == 1
        assert pool.asked(0.0) == [("m", 2)]

    def test_older_directions_are_ignored(self) -> None:
        pool = pool_of(1, 2)
        pool.direct({"m": Directions(3, 2)})
        pool.direct({"m": Directions(2, 1)})

        assert answer(pool) == 2
        assert pool.directions("m") == Directions(3, 2)
        assert pool.directions("nope") is None

    def test_unless_their_record_is_gone(self) -> None:
        pool = pool_of(1, 2)
        pool.direct({"m": Directions(7, 2)})
        pool.forget("m", 6)
        pool.direct({"m": Directions(2, 1)})
        assert answer(pool) == 2
        pool.forget("m", 7)
        pool.direct({"m": Directions(2, 1)})
        assert answer(pool) == 1


class TestWhatIsNotThere:
    def test_it_is_told_apart(self) -> None:
        pool: Pool[FakeVersion] = Pool()
        with pytest.raises(ModelNotReady, match="just started"), pool.lease("m"):
            pass
        pool.expect(
            {
                "m": {1: Absent(is_coming=True), 2: Absent("version 2 failed: x")},
                "empty": {},
            }
        )
        for model, version in (("nope", None), ("empty", None), ("m", 3)):
            with pytest.raises(ModelNotFound), pool.lease(model, version):
                pass
        with pytest.raises(ModelNotReady, match="being loaded"), pool.lease("m", 1):
            pass
        for number in (None, 2):  # the highest tells where none is current
            with pytest.raises(ModelNotReady, match="version 2 failed: x"), pool.lease("m", number):
                pass
        with pytest.raises(LabelUnknown), pool.lease("m", label="x"):
            pass

    def test_a_label_of_a_version_that_is_not_served(self) -> None:
        with pytest.raises(ModelNotFound, match=r"Specific\(m, 9\)"):
            answer(pool_of(1), label="lost")

    def test_why_it_is_not_there(self) -> None:
        pool: Pool[FakeVersion] = Pool()
        starting = pool.absence("m")
        assert starting is not None
        assert starting.is_coming
        pool.expect({"m": {1: Absent("why")}})
        pool.direct({"m": Directions(1, 1)})
        assert pool.absence("m") == Absent("why")
        assert pool.absence("nope") is None
        pool.put(slot(1))
        assert pool.absence("m") is None

    def test_who_asks_first_is_first(self) -> None:
        pool = pool_of(1)
        pool.expect({"m": {v: Absent(is_cold=True) for v in (2, 3)} | {4: Absent("failed")}})
        for version in (3, 2, 3, 4, 5):
            assert not pool.has("m", version)
        with pytest.raises(ModelNotReady), pool.lease("m", 2):
            pass
        assert pool.asked(0.0) == [("m", 3), ("m", 2)]
        pool.put(slot(3))
        assert pool.asked(0.0) == [("m", 2)]


class TestGivingWay:
    def test_the_last_lease_closes_a_replaced_version(self) -> None:
        pool, old, new = pool_of(), FakeVersion(), FakeVersion()
        pool.put(slot(1, old))
        with pool.lease("m"):
            with pool.lease("m", 1):
                pool.put(slot(1, new))
            assert not old.is_closed
        assert old.is_closed
        assert not new.is_closed

    def test_an_unused_version_closes_at_once(self) -> None:
        pool, old = pool_of(), FakeVersion()
        pool.put(slot(1, old))
        pool.remove("m", 1)
        assert old.is_closed
        assert not pool.has("m")
        assert not pool.knows("m")

    def test_one_that_is_used_is_not_evicted(self) -> None:
        pool = pool_of(1)
        held = pool.slots()[0]
        cold = Absent("cold", is_cold=True)
        with pool.lease("m"):
            assert not pool.evict(held, cold, 1e12)
        assert not pool.evict(held, cold, held.last_held - 1)
        assert pool.evict(held, cold, held.last_held)
        assert held.served.is_closed
        assert pool.absence("m") == cold

    def test_a_use_in_the_future_is_none(self) -> None:
        """The clock was set back."""
        pool = pool_of(1)
        held = pool.slots()[0]
        held.last_held = 1e12
        assert pool.evict(held, Absent(), 0.0)


class TestDraining:
    def test_a_revision_is_followed_when_no_lease_is_older(self) -> None:
        pool = pool_of(1, 2)
        assert pool.is_drained("m", 1)
        assert not pool.is_drained("m", 2)
        old = pool.lease("m")
        old.__enter__()
        for revision in (2, 3):
            pool.direct({"m": Directions(revision, 2)})
        with pool.lease("m"):
            assert not pool.is_drained("m", 2)
            assert pool.is_drained("m", 1)
            old.__exit__()
            assert pool.is_drained("m", 3)

    def test_leases_by_number_do_not_count(self) -> None:
        pool = pool_of(1, 2)
        with pool.lease("m", 1):
            pool.direct({"m": Directions(2, 2)})
            assert pool.is_drained("m", 2)

    def test_the_same_directions_again_are_no_new_ones(self) -> None:
        pool = pool_of(1)
        with pool.lease("m"):
            pool.direct({"m": Directions(1, 1, {"old": 1, "stable": 1, "lost": 9})})
            assert pool.is_drained("m", 1)


class TestTheBell:
    def test_it_is_heard_before_the_next_request(self, tmp_path: Path) -> None:
        bell = Bell(tmp_path / "bell")
        pool: Pool[FakeVersion] = Pool(bell)
        pool.expect({"m": {}})
        for version in (1, 2):
            pool.put(slot(version))
        pool.direct({"m": Directions(1, 1)})
        heard: list[int] = []

        def resync() -> None:
            heard.append(bell.value)
            pool.direct({"m": Directions(2, 2)})

        pool.resync = resync
        assert answer(pool) == 1
        Bell(tmp_path / "bell").ring()
        assert answer(pool) == 2
        assert answer(pool) == 2
        assert heard == [bell.value]
        bell.ring()
        assert pool.has("m")
        assert len(heard) == 2

    def test_a_failure_is_one_request_s_only(self, tmp_path: Path) -> None:
        bell = Bell(tmp_path / "bell")
        pool: Pool[FakeVersion] = Pool(bell)
        pool.expect({"m": {}})
        pool.put(slot(1))
        pool.direct({"m": Directions(1, 1)})
        pool.resync = lambda: 1 / 0  # type: ignore[assignment]
        bell.ring()
        with pytest.raises(ZeroDivisionError), pool.lease("m"):
            pass
        assert answer(pool) == 1
