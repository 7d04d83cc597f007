"""When the pointer moves without anybody's order."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.repository.advancing import (
    Advance,
    advances,
    cold_successors,
    is_wanted,
    wanted_of,
)
from service.repository.model_config import VersionPolicy
from service.repository.policy import current_of
from service.repository.route import Route
from service.repository.states import COMING, Held, Loading, State, VersionRow, WorkerRecord
from tests.repository.test_policy import (
    LABELS,
    POLICIES,
    READY,
    ROUTES,
    VERSIONS,
    ready,
    rows,
    settled,
)


def worker(
    *held: VersionRow, loading: Loading = Loading.LOADED, name: str = "h/1:1:1"
) -> WorkerRecord:
    return WorkerRecord(name, tuple(Held("m", r.version, r.identity, loading) for r in held))


class TestAdvancing:
    ROUTE = Route("m", current=1)

    def found(self, *workers: WorkerRecord, route: Route = ROUTE) -> list[Advance]:
        return advances(settled(ready(1, 2), route), {"m": route}, workers)

    def test_the_first_version_is_current_at_once(self) -> None:
        assert self.found(worker(), route=Route("m")) == [Advance("m", None, 2, "version policy")]

    def test_a_new_version_waits_until_every_worker_has_it_loaded(self) -> None:
        one, two = settled(ready(1, 2), self.ROUTE)
        both = [Advance("m", 1, 2, "version policy")]
        assert self.found(worker(one, two), worker(two)) == both
        assert self.found() == both, "nobody answers yet"
        assert self.found(worker(one, two), worker(one)) == []
        failed = worker(two, loading=Loading.FAILED)
        assert self.found(worker(one, two), failed) == []
        other = worker(replace(two, artefact="another form"))
        assert self.found(other) == []

    def test_a_pinned_or_unloaded_model_stays(self) -> None:
        for route in (
            replace(self.ROUTE, is_pinned=True),
            replace(self.ROUTE, is_unloaded=True),
            replace(self.ROUTE, current=2),
        ):
            assert self.found(route=route) == []

    def test_what_stands_in_for_a_lost_version_is_current_at_once(self) -> None:
        recorded = rows({1: READY, 2: State.FAILED})
        recorded[1] = replace(recorded[1], reason="damaged")
        route = Route("m", current=2, is_pinned=True)
        assert advances(settled(recorded, route), {"m": route}, [worker()]) == [
            Advance("m", 2, 1, "version 2 is FAILED: damaged")
        ]
        gone = Route("m", current=9)
        assert advances(settled(recorded, gone), {"m": gone}, []) == [
            Advance("m", 9, 1, "version 9 is gone")
        ]

    def test_a_version_that_comes_back_keeps_its_place(self) -> None:
        for state in COMING:
            route = Route("m", current=2)
            after = settled(rows({1: READY, 2: state}), route)
            assert current_of(after) == 1
            assert advances(after, {"m": route}, []) == []

    def test_nothing_is_left_to_serve(self) -> None:
        route = Route("m", current=1)
        after = settled(rows({1: State.RETIRED}), route)
        assert advances(after, {"m": route}, []) == []

    def test_where_the_current_version_is_cold_so_may_be_its_successor(self) -> None:
        one, two = settled(ready(1, 2), self.ROUTE)
        cold = worker(one, two, loading=Loading.COLD)
        assert [advance.version for advance in self.found(cold)] == [2]
        half = WorkerRecord("h/1:2:2", worker(one).held + worker(two, loading=Loading.COLD).held)
        assert self.found(half) == []
        routes = {"m": self.ROUTE}
        assert cold_successors([one, two], routes, [cold, half]) == [("m", 2)]
        assert cold_successors([one, two], routes, [cold]) == []

    def test_what_the_policy_wants(self) -> None:
        after = settled(ready(1, 2), self.ROUTE)
        assert wanted_of(after, self.ROUTE) == 2
        assert wanted_of(after, replace(self.ROUTE, is_pinned=True)) == 1
        off = replace(self.ROUTE, is_unloaded=True)
        assert wanted_of(settled(ready(1, 2), off), off) is None

    def test_a_version_to_come_is_wanted_if_it_will_be_current(self) -> None:
        after = settled(rows({1: READY, 2: State.COMPILING, 3: State.DISCOVERED}), self.ROUTE)
        assert [is_wanted(row, after, self.ROUTE) for row in after] == [False, True, True]
        pinned = replace(self.ROUTE, is_pinned=True)
        assert not any(is_wanted(row, after, pinned) for row in after)
        old = settled(rows({1: State.COMPILING, 2: READY}), Route("m"))
        assert not any(is_wanted(row, old, Route("m")) for row in old)


@given(st.dictionaries(VERSIONS, st.sampled_from(State)), POLICIES, LABELS, ROUTES)
def test_one_move_is_enough(
    states: dict[int, State], policy: VersionPolicy, labels: dict[str, int], route: Route
) -> None:
    recorded = rows(states, policy, labels)
    after = settled(recorded, route)
    for advance in advances(after, {"m": route}, []):
        moved = replace(route, current=advance.version)
        assert advance.version in {row.version for row in after if row.served}
        assert current_of(settled(recorded, moved)) == advance.version
        assert advances(settled(recorded, moved), {"m": moved}, []) == []
