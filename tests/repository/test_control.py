"""What a call of an operator waits for, and how it ends; time only moves when the call pauses."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.database import migrate, open_database
from service.base.errors import RequestInvalid
from service.repository.control import (
    LOOK_WAIT_S,
    TIMEOUT_S,
    Control,
    Moment,
    load_waits_for,
    unload_waits_for,
)
from service.repository.index import Standing
from service.repository.states import Held, Loading, State, VersionRow, Wish, WorkerRecord
from service.repository.store import VersionStore

ROW = VersionRow("m", 2, State.READY, served=True, artefact="b")
FIRST, SECOND = "host/1:11:1", "host/1:22:2"


def worker(
    name: str, row: VersionRow | None = ROW, loading: Loading = Loading.LOADED, seen: int = 3
) -> WorkerRecord:
    held = [Held("m", row.version, row.identity, loading, "because")] if row else []
    return WorkerRecord(name, tuple(held), {"m": seen}, beat=1e12)


def moment(*workers: WorkerRecord, rows: list[VersionRow] | None = None) -> Moment:
    wish = Wish("m", False, ticket=3, looked=3)
    return Moment("m", [ROW] if rows is None else rows, wish, list(workers))


class TestUnloading:
    def test_it_is_done_when_every_worker_has_seen_it_and_serves_nothing(self) -> None:
        now = moment(worker(FIRST, None), worker(SECOND, ROW, Loading.FAILED))
        assert unload_waits_for(now, 3) == ""

    def test_a_worker_that_has_not_looked_is_waited_for(self) -> None:
        now = moment(worker(FIRST, None), worker(SECOND, None, seen=2))
        assert unload_waits_for(now, 3) == "worker 22 on host has not looked yet"

    def test_a_worker_that_serves_any_version_is_waited_for(self) -> None:
        older = replace(ROW, version=1)
        now = moment(worker(FIRST, older), worker(SECOND, None))
        assert unload_waits_for(now, 3) == "worker 11 on host still serves it"


class TestLoading:
    def test_it_is_done_when_every_worker_serves_this_form_of_the_version(self) -> None:
        assert load_waits_for(moment(worker(FIRST), worker(SECOND)), 3, False) == ""

    @pytest.mark.parametrize(
        ("other", "expected"),
        [
            (worker(SECOND, None), "worker 22 on host is loading it"),
            (worker(SECOND, replace(ROW, artefact="a")), "worker 22 on host is loading it"),
            (worker(SECOND, seen=2), "worker 22 on host has not looked yet"),
            (worker(SECOND, ROW, Loading.RETRYING), "worker 22 on host: because"),
        ],
    )
    def test_a_worker_without_it_is_waited_for(self, other: WorkerRecord, expected: str) -> None:
        assert load_waits_for(moment(worker(FIRST), other), 3, False) == expected

    def test_a_worker_that_cannot_load_it_ends_the_wait(self) -> None:
        now = moment(worker(FIRST), worker(SECOND, ROW, Loading.FAILED))
        with pytest.raises(RequestInvalid, match="failed to load 'm', version 2: because"):
            load_waits_for(now, 3, False)

    def test_a_failure_before_the_call_says_nothing(self) -> None:
        now = moment(worker(FIRST, ROW, Loading.FAILED, seen=2))
        assert load_waits_for(now, 3, False) == "worker 11 on host has not looked yet"

    def test_the_controller_is_given_its_time_to_look(self) -> None:
        now = replace(moment(worker(FIRST)), wish=Wish("m", False, ticket=3, looked=2))
        assert load_waits_for(now, 3, is_late=False) == "the controller has not looked yet"
        assert load_waits_for(now, 3, is_late=True) == ""

    @pytest.mark.parametrize(
        "rows",
        [
            [ROW, VersionRow("m", 3, State.COMPILING)],
            [ROW, VersionRow("m", 3, State.DISCOVERED)],
            [VersionRow("m", 3, State.COMPILING)],
            [replace(ROW, version=3, files_state=State.COMPILING)],
        ],
    )
    def test_what_is_to_be_served_next_is_waited_for(self, rows: list[VersionRow]) -> None:
        now = moment(worker(FIRST), rows=rows)
        assert load_waits_for(now, 3, False) == "version 3 is being compiled"

    def test_an_older_version_is_not_waited_for(self) -> None:
        rows = [VersionRow("m", 1, State.COMPILING), ROW]
        assert load_waits_for(moment(worker(FIRST), rows=rows), 3, False) == ""

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ([VersionRow("m", 1, State.FAILED, "m.h5: damaged")], "version 1: m.h5: damaged"),
            ([replace(ROW, files_state=State.FAILED, reason="its files are FAILED")], "FAILED"),
            ([VersionRow("m", 1, State.RETIRED)], "failed to poll from model repository"),
        ],
    )
    def test_files_that_cannot_be_served_end_the_wait(
        self, rows: list[VersionRow], words: str
    ) -> None:
        with pytest.raises(RequestInvalid, match=f"failed to load 'm', .*{words}"):
            load_waits_for(moment(worker(FIRST), rows=rows), 3, False)

    def test_a_higher_version_that_failed_leaves_the_one_that_serves(self) -> None:
        rows = [ROW, VersionRow("m", 3, State.FAILED, "m.h5: damaged")]
        assert load_waits_for(moment(worker(FIRST), rows=rows), 3, False) == ""


class Calls:
    """A control whose pauses move the clock and do what else happens meanwhile."""

    def __init__(self, store: VersionStore) -> None:
        self.store = store
        self.now = 0.0
        self.looks = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.control = Control(store, self._look, lambda: self.now, self._pause)

    def _look(self) -> None:
        self.looks += 1

    def _pause(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()

    def follow(self, *names: str) -> None:
        """Workers and a controller that do as is wished, from now on."""
        wishes = self.store.wishes()
        wish = wishes.get("m", Wish("m", False, 0))
        row = None if wish.is_unloaded else ROW
        for name in names:
            self.store.report(worker(name, row, seen=wish.ticket))
        self.store.answer(list(wishes.values()))


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    store = VersionStore(engine, "repository")
    store.replace([ROW])
    yield Calls(store)
    engine.dispose()


class TestCalls:
    def test_unload_and_load_return_when_all_workers_have_followed(self, calls: Calls) -> None:
        calls.follow(FIRST, SECOND)
        calls.meanwhile = lambda: calls.follow(FIRST, SECOND)

        calls.control.unload("m")
        assert not any(record.is_serving("m") for record in calls.store.workers())
        assert calls.control.index()[0].standing is Standing.UNAVAILABLE
        calls.control.load("m")

        assert all(record.is_serving("m") for record in calls.store.workers())
        assert calls.control.index()[0].standing is Standing.READY
        assert calls.looks == 2
        assert calls.now < 1

    def test_one_worker_that_does_not_follow_is_named(self, calls: Calls) -> None:
        calls.follow(FIRST, SECOND)
        calls.meanwhile = lambda: calls.follow(FIRST)

        with pytest.raises(RequestInvalid, match="not done after 50 seconds: worker 22 on host"):
            calls.control.unload("m")

        assert TIMEOUT_S <= calls.now < TIMEOUT_S + 1
        assert calls.store.wishes()["m"].is_unloaded

    def test_without_a_controller_a_load_is_late_and_not_lost(self, calls: Calls) -> None:
        def follow() -> None:
            calls.store.report(worker(FIRST, ROW, seen=calls.store.wishes()["m"].ticket))

        calls.meanwhile = follow
        calls.control.load("m")

        assert LOOK_WAIT_S <= calls.now < LOOK_WAIT_S + 0.5

    def test_an_unknown_model_leaves_no_trace(self, calls: Calls) -> None:
        with pytest.raises(RequestInvalid, match="failed to unload 'x', it is not in"):
            calls.control.unload("x")
        assert calls.now == 0
        with pytest.raises(
            RequestInvalid, match=r"^failed to load 'x', failed to poll from model repository$"
        ):
            calls.control.load("x")
        assert calls.store.wishes() == {}

    def test_a_model_that_the_controller_meets_just_now_is_found(self, calls: Calls) -> None:
        calls.store.replace([])

        def appear() -> None:
            calls.store.replace([ROW])
            calls.follow(FIRST)

        calls.meanwhile = appear
        calls.control.load("m")

        assert calls.now < LOOK_WAIT_S

    def test_a_load_whose_files_are_gone_lets_them_be_served_when_they_are_back(
        self, calls: Calls
    ) -> None:
        calls.store.wish("m", is_unloaded=True)
        calls.store.replace([replace(ROW, state=State.RETIRED, served=False)])

        with pytest.raises(RequestInvalid, match="failed to poll"):
            calls.control.load("m")

        assert not calls.store.wishes()["m"].is_unloaded

    @pytest.mark.parametrize("verb", ["load", "unload"])
    def test_the_later_of_two_calls_wins(self, calls: Calls, verb: str) -> None:
        calls.follow(FIRST)

        def oppose() -> None:
            calls.store.wish("m", is_unloaded=verb == "load")

        calls.meanwhile = oppose
        with pytest.raises(RequestInvalid, match=f"failed to {verb} 'm', .* again meanwhile"):
            getattr(calls.control, verb)("m")
