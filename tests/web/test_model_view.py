"""What a worker knows of all versions, of its own memory and of the others' reports."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.database import migrate, open_database
from service.repository.audit import AuditEntry
from service.repository.policy import settle
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName
from service.runtime.pool import Pool, Slot
from service.web.exchange import Identity
from service.web.model_view import LOADING, ModelViews
from service.web.served import ServedVersion
from tests.fakes import FakeVersion
from tests.web.desk import desk

ARTEFACT = "f" * 64
ROWS = settle([VersionRow("m", 1, State.READY, artefact=ARTEFACT)], {})
(ROW,) = ROWS
OWN, OTHER = (str(WorkerName.of(pid)) for pid in (os.getpid(), os.getppid()))
DEAD = str(replace(WorkerName.of(os.getpid()), start="1"))


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    return VersionStore(engine, "repository")


def report(store: VersionStore, worker: str, loading: Loading) -> None:
    held = Held(ROW.model, ROW.version, ROW.identity, loading)
    store.report(WorkerRecord(worker, (held,), {}, time.time()))


def views(store: VersionStore, folder: Path, pool: Pool[ServedVersion] | None = None) -> ModelViews:
    return ModelViews(store, pool or Pool(), lambda: ROWS, folder)


def test_it_tells_of_all_workers_that_live(store: VersionStore, tmp_path: Path) -> None:
    report(store, OTHER, Loading.LOADED)
    report(store, DEAD, Loading.FAILED)
    report(store, OWN, Loading.COLD)

    view = views(store, tmp_path).take()

    assert sorted(view.loading(ROW)) == ["COLD", "LOADED"]
    assert view.is_ready(ROW)


def test_of_itself_it_knows_better_than_its_last_report(
    store: VersionStore, tmp_path: Path
) -> None:
    report(store, OWN, Loading.LOADED)
    assert views(store, tmp_path).take().loading(ROW) == [LOADING]
    report(store, OWN, Loading.RETRYING)
    pool: Pool[ServedVersion] = Pool()
    with desk(FakeVersion(), "m") as at:
        at.served.facts = replace(
            at.served.facts, identity=Identity("m", 1, ARTEFACT, "h5", "2.4.0")
        )
        pool.put(Slot("m", 1, ROW.identity, at.served, 0.0))

        view = views(store, tmp_path, pool).take()

    assert view.loading(ROW) == ["LOADED"]
    assert view.files == {ARTEFACT: ("h5", "2.4.0")}


def test_without_the_database_it_tells_of_itself(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/empty.sqlite")

    view = views(VersionStore(engine, "repository"), tmp_path).take()

    assert view.loading(ROW) == [LOADING]
    assert view.routes == {}


def test_decisions_and_their_number_are_the_databases(store: VersionStore, tmp_path: Path) -> None:
    def entry(*_: object) -> AuditEntry:
        return AuditEntry(0.0, "m", "promote", "me", before={"current": 1}, after={"current": 2})

    taking = views(store, tmp_path)
    for revision in (1, 2):
        store.change("m", lambda route: replace(route, current=2), entry)

        view = taking.take()

        assert view.routes["m"].revision == revision
        assert view.swaps == {("m", "promote"): revision}
