"""What loading and unloading wait for, one look at a time."""

from dataclasses import replace

import pytest

from service.base.errors import RequestInvalid
from service.repository.consent import Moment
from service.repository.control import load_waits_for, unload_waits_for
from service.repository.model_config import ModelConfig
from service.repository.policy import settle
from service.repository.route import Route
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from tests.repository.crew import ALWAYS, FIRST, SECOND

ROW = VersionRow("m", 2, State.READY, artefact="b")
ALL = ModelConfig(version_policy="all")
ROUTE = Route("m", revision=3, looked=3, current=2)


def worker(
    name: str, row: VersionRow | None = ROW, loading: Loading = Loading.LOADED, seen: int = 3
) -> WorkerRecord:
    held = [Held("m", row.version, row.identity, loading, "because")] if row else []
    return WorkerRecord(name, tuple(held), {"m": seen}, beat=ALWAYS)


def moment(
    *workers: WorkerRecord, rows: list[VersionRow] | None = None, route: Route = ROUTE
) -> Moment:
    recorded = [ROW] if rows is None else rows
    return Moment(route, recorded, settle(recorded, {"m": route}), list(workers))


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

    def test_a_cold_version_is_fine(self) -> None:
        assert load_waits_for(moment(worker(FIRST, ROW, Loading.COLD)), 3, False) == ""

    def test_a_version_that_is_only_served_may_fail(self) -> None:
        both = [replace(ROW, version=1, config=ALL), replace(ROW, config=ALL)]
        one, two = (replace(row, generation=0) for row in both)
        broken = Held("m", 1, one.identity, Loading.FAILED, "because")
        loaded = Held("m", 2, two.identity, Loading.LOADED)
        record = WorkerRecord(FIRST, (broken, loaded), {"m": 3}, ALWAYS)
        assert load_waits_for(moment(record, rows=both), 3, False) == ""
        alone = replace(record, held=(loaded,))
        assert load_waits_for(moment(alone, rows=both), 3, False).endswith("is loading it")

    def test_the_successor_must_be_loaded(self) -> None:
        rows = [ROW, replace(ROW, version=3)]
        record = worker(FIRST)
        assert load_waits_for(moment(record, rows=rows), 3, False).endswith("is loading it")
        failed = Held("m", 3, rows[1].identity, Loading.FAILED, "because")
        now = moment(replace(record, held=(*record.held, failed)), rows=rows)
        with pytest.raises(RequestInvalid, match="version 3: because"):
            load_waits_for(now, 3, False)
        pinned = now.under(replace(ROUTE, is_pinned=True))
        assert load_waits_for(pinned, 3, False) == ""

    def test_the_controller_is_given_its_time_to_look(self) -> None:
        now = moment(worker(FIRST), route=replace(ROUTE, looked=2))
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
        ids=["compiling", "discovered", "first", "in place"],
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
