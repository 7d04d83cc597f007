"""Many threads lease while versions are swapped: nothing is lost, nothing is closed too early."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.bell import Bell
from service.base.errors import ModelNotReady
from service.runtime.directions import Directions
from service.runtime.pool import Lease, Pool
from service.runtime.slot import Absent, Slot
from tests.fakes import FakeVersion

THREADS = 16
SWAPS = 500


@contextmanager
def many(work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Threads that work again and again until the block ends, and what went wrong in them."""
    stop = threading.Event()
    wrong: list[BaseException] = []

    def loop() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=loop) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def slot(version: int) -> Slot[FakeVersion]:
    return Slot("m", version, str(version), FakeVersion(), 0.0)


def test_nobody_ever_runs_a_closed_version_nor_an_older_one_than_was_acknowledged(
    tmp_path: Path,
) -> None:
    """The swap of a worker: load beside, move, wait until drained, acknowledge, drop."""
    bell = Bell(tmp_path / "bell")
    pool: Pool[FakeVersion] = Pool(bell)
    pool.expect({"m": {}})
    loaded = [slot(0)]
    pool.put(loaded[0])
    pool.direct({"m": Directions(0, 0)})
    state = {"decided": 0, "acknowledged": 0}
    pool.resync = lambda: pool.direct({"m": Directions(state["decided"], state["decided"])})

    def use() -> None:
        acknowledged, decided = state["acknowledged"], state["decided"]
        with pool.lease("m") as held:
            assert not held.served.is_closed
            assert held.version >= max(acknowledged, decided - 1)
            assert held.leases > 0

    with many(use) as wrong:
        for number in range(1, SWAPS):
            loaded.append(slot(number))
            pool.put(loaded[-1])
            state["decided"] = number
            bell.ring()
            pool.resync()
            while not pool.is_drained("m", number):
                pass
            assert loaded[number - 1].leases == 0
            state["acknowledged"] = number
            pool.remove("m", number - 1)
            assert loaded[number - 1].served.is_closed
    assert wrong == []
    assert all(each.leases == 0 for each in loaded)
    assert not loaded[-1].served.is_closed


def test_versions_that_are_replaced_or_evicted_under_their_users(tmp_path: Path) -> None:
    pool: Pool[FakeVersion] = Pool()
    pool.expect({"m": {}})
    pool.direct({"m": Directions(0, 1)})
    pool.put(slot(1))
    everything = pool.slots()

    def use() -> None:
        try:
            with pool.lease("m") as held:
                assert not held.served.is_closed
        except ModelNotReady:
            pool.has("m")

    with many(use) as wrong:
        for _ in range(SWAPS):
            everything.append(slot(1))
            pool.put(everything[-1])
            pool.evict(everything[-1], Absent("cold", is_cold=True), 1e12)
    assert wrong == []
    pool.remove("m", 1)
    assert all(each.served.is_closed and each.leases == 0 for each in everything)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["lease", "end", "move", "replace"]), st.integers(0, 5))))
def test_a_revision_is_drained_exactly_when_no_older_lease_is_left(
    turns: list[tuple[str, int]],
) -> None:
    pool: Pool[FakeVersion] = Pool()
    pool.expect({"m": {}})
    pool.put(slot(0))
    pool.direct({"m": Directions(0, 0)})
    revision = 0
    leases: list[tuple[int, Lease[FakeVersion], Slot[FakeVersion]]] = []

    for what, number in turns:
        if what == "lease":
            lease = pool.lease("m")
            leases.append((revision, lease, lease.__enter__()))
        elif what == "end" and leases:
            leases.pop(number % len(leases))[1].__exit__()
        elif what == "move":
            revision += 1
            pool.put(slot(revision))
            pool.direct({"m": Directions(revision, revision)})
            pool.remove("m", revision - 1)
        elif what == "replace":
            pool.put(slot(revision))
        assert pool.is_drained("m", revision) == all(taken == revision for taken, _, _ in leases)
        assert not any(held.served.is_closed for _, _, held in leases)
        assert sum(held.leases for held in {id(h): h for _, _, h in leases}.values()) == len(leases)
