"""Which workers live, and how each tells what it holds."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import (
    BEAT_S,
    DEAD_AFTER_S,
    Reporter,
    WorkerName,
    is_alive,
    live_workers,
    may_run,
)
from tests.databases import migrate

ELSEWHERE = WorkerName("other-host/4026531836", os.getpid(), "17")
LOADED = Held("m", 1, "1 a b", Loading.LOADED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VersionStore]:
    engine = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
    migrate(engine)
    yield VersionStore(engine, "/models")
    engine.dispose()


def record(name: WorkerName, beat: float = 0.0) -> WorkerRecord:
    return WorkerRecord(str(name), beat=beat)


def test_a_name_reads_as_it_was_written() -> None:
    name = WorkerName.of(os.getpid())

    assert WorkerName.parse(str(name)) == name
    assert name.is_here()
    assert name.spoken().startswith(f"worker {os.getpid()} on ")
    assert not ELSEWHERE.is_here()


def test_a_process_of_this_place_lives_however_old_its_report_is() -> None:
    assert is_alive(record(WorkerName.of(os.getpid())), wall_now=1e9)


def test_a_process_that_has_ended_is_dead_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = WorkerName.of(child.pid)
        assert is_alive(record(name), 0.0)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet reaped

        assert not is_alive(record(name, beat=100.0), 100.0)
    assert not is_alive(record(name, beat=100.0), 100.0)


def test_another_process_with_the_number_of_a_dead_one_is_another() -> None:
    earlier = replace(WorkerName.of(os.getpid()), start="1")

    assert not is_alive(record(earlier, beat=100.0), 100.0)


def test_elsewhere_a_worker_lives_as_long_as_it_reports() -> None:
    assert is_alive(record(ELSEWHERE, beat=100.0), 100.0 + DEAD_AFTER_S - 1)
    assert not is_alive(record(ELSEWHERE, beat=100.0), 100.0 + DEAD_AFTER_S + 1)


def test_a_process_elsewhere_may_run_and_one_that_has_ended_here_does_not() -> None:
    here = WorkerName.of(os.getpid())

    assert may_run(str(here))
    assert may_run(str(ELSEWHERE))
    assert not may_run(str(replace(here, start="1")))


def test_a_container_started_anew_does_not_take_its_predecessor_for_itself() -> None:
    here = WorkerName.of(os.getpid())
    before = replace(here, place=f"{here.place}9")

    assert not is_alive(record(before, beat=0.0), 100.0)


def test_who_looks_removes_the_dead(store: VersionStore) -> None:
    mine = WorkerName.of(os.getpid())
    for name in (mine, ELSEWHERE, replace(mine, start="1")):
        store.report(record(name, beat=100.0))

    live = live_workers(store, 101.0)

    assert {one.worker for one in live} == {str(mine), str(ELSEWHERE)}
    assert store.workers() == live


class CountingStore(VersionStore):
    """Counts reports, and fails them as a locked database does."""

    reports = 0
    is_locked = False

    def report(self, record: WorkerRecord) -> None:
        self.reports += 1
        if self.is_locked:
            raise sa.exc.OperationalError("INSERT", {}, Exception("database is locked"))
        super().report(record)


@pytest.fixture
def counting(store: VersionStore) -> CountingStore:
    return CountingStore(store._engine, "/models")


def test_a_report_is_written_for_news_and_as_a_sign_of_life(counting: CountingStore) -> None:
    reporter = Reporter(counting, ELSEWHERE)
    for now in (100.0, 100.4, 100.8):
        reporter.tell([], {}, now)
    assert counting.reports == 1

    reporter.tell([LOADED], {"m": 1}, 101.0)
    reporter.tell([LOADED], {"m": 1}, 101.4)
    assert counting.reports == 2

    first_beat = counting.workers()[0].beat
    reporter.tell([LOADED], {"m": 1}, 101.0 + BEAT_S)
    assert counting.reports == 3
    told = counting.workers()[0]
    assert (told.held, told.seen) == ((LOADED,), {"m": 1})
    assert told.beat >= first_beat


def test_a_database_that_cannot_be_written_is_tried_again_later(counting: CountingStore) -> None:
    reporter = Reporter(counting, ELSEWHERE)
    reporter.tell([], {}, 100.0)
    counting.is_locked = True
    reporter.tell([LOADED], {}, 101.0)
    counting.is_locked = False

    reporter.tell([LOADED], {}, 101.4)
    assert counting.workers()[0].held == ()
    reporter.tell([LOADED], {}, 101.0 + BEAT_S)

    assert counting.workers()[0].held == (LOADED,)


def test_a_worker_nobody_knows_of_yet_tries_at_each_look(counting: CountingStore) -> None:
    reporter = Reporter(counting, ELSEWHERE)
    counting.is_locked = True
    reporter.tell([], {}, 100.0)
    assert not reporter.is_known
    counting.is_locked = False

    reporter.tell([], {}, 100.1)

    assert reporter.is_known
    assert len(counting.workers()) == 1


def test_a_worker_that_ends_is_not_waited_for(counting: CountingStore) -> None:
    reporter = Reporter(counting, ELSEWHERE)
    reporter.tell([], {}, 100.0)

    reporter.leave()

    assert counting.workers() == []


def test_what_a_worker_holds_is_found_by_its_very_form() -> None:
    row = VersionRow("m", 1, state=State.READY, artefact="a")
    other = replace(row, artefact="b")
    held = Held("m", 1, row.identity, Loading.LOADED)
    worker = WorkerRecord("a:1:1", (held, Held("n", 2, "x", Loading.FAILED, "broken")))

    assert worker.find(row) == held
    assert worker.find(other) is None
    assert (worker.is_serving("m"), worker.is_serving("m", 2), worker.is_serving("n")) == (
        True,
        False,
        False,
    )
