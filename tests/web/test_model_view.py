"""What a worker knows of all versions, of its own memory and of the others' reports."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.repository.states import Held, Loading, WorkerRecord
from service.repository.workers import WorkerName
from service.web.compiled_files import CompiledFiles
from service.web.model_view import ModelView, take_view
from tests.fakes import FakeVersion
from tests.web.client import ARTEFACT, FakeWorker, FlaskClient, make_worker

OWN, OTHER = (str(WorkerName.of(pid)) for pid in (os.getpid(), os.getppid()))
DEAD = str(replace(WorkerName.of(os.getpid()), start="1"))


@pytest.fixture
def process(tmp_path: Path) -> Iterator[FakeWorker]:
    """One that has not looked yet; version 2 of `m` is served."""
    process = make_worker(tmp_path, {"m": FakeVersion()})
    yield process
    process.close()


def report(process: FakeWorker, worker: str, loading: Loading) -> None:
    (row,) = process.reloader.store.rows("m")
    held = Held(row.model, row.version, row.identity, loading)
    process.reloader.store.report(WorkerRecord(worker, (held,), {}, time.time()))


def loading(view: ModelView) -> list[Loading]:
    (row,) = view.of("m")
    return sorted(view.loading(row))


def test_it_tells_of_all_workers_that_live(process: FakeWorker) -> None:
    report(process, OTHER, Loading.LOADED)
    report(process, DEAD, Loading.FAILED)
    report(process, OWN, Loading.COLD)

    view = take_view(process)

    assert loading(view) == [Loading.COLD, Loading.LOADED]
    assert view.is_ready(view.rows[0])
    assert view.answers(view.rows[0])


@pytest.mark.parametrize("model", ["", "m"])
def test_of_itself_it_knows_better_than_its_last_report(process: FakeWorker, model: str) -> None:
    report(process, OWN, Loading.LOADED)
    assert loading(take_view(process, model)) == [Loading.LOADING]
    process.reloader.step(0.0)
    report(process, OWN, Loading.RETRYING)

    view = take_view(process, model)

    assert loading(view) == [Loading.LOADED]
    assert CompiledFiles(process.settings.compiled_path).of(view) == {ARTEFACT: ("h5", "2.4.0")}


def test_the_latest_use_is_told_whether_it_was_written_down_or_not(process: FakeWorker) -> None:
    process.reloader.store.note_used({("m", 2): 1e9})
    process.reloader.step(0.0)
    before = take_view(process)
    assert before.last_used(before.rows[0]) == 1e9

    FlaskClient(process).predict("m", {"instances": [[1, 2, 3]]})

    after = take_view(process)
    assert after.last_used(after.rows[0]) > time.time() - 60


def test_without_the_database_it_tells_of_itself_and_says_so(process: FakeWorker) -> None:
    process.reloader.step(0.0)
    report(process, OTHER, Loading.FAILED)
    lose_database(process)

    view = take_view(process)

    assert loading(view) == [Loading.LOADED]
    assert not view.is_whole
    assert view.routes == {}


def test_a_scrape_without_the_database_says_nothing_of_where_requests_go(
    process: FakeWorker,
) -> None:
    process.reloader.store.change("m", lambda route: replace(route, labels={"eu": 2}))
    process.reloader.step(0.0)
    client = FlaskClient(process)
    told = 'kerasd_model_label{label="eu",model="m",version="2"} 1.0'
    assert told in client.ask("GET", "/metrics").body.decode()
    lose_database(process)

    text = client.ask("GET", "/metrics").body.decode()

    assert 'kerasd_model_state{model="m",state="READY",version="2"} 1.0' in text
    for family in ("traffic_percent", "current", "label", "route_revision", "swaps"):
        assert f"kerasd_model_{family}" not in text


def lose_database(process: FakeWorker) -> None:
    """It is there, but nothing that it should have."""
    engine = sa.create_engine(process.settings.database)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE routes"))
    engine.dispose()
