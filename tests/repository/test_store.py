"""What the controller records is what the web workers read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.repository.model_config import ModelConfig
from service.repository.states import Held, Loading, State, VersionRow, Wish, WorkerRecord
from service.repository.store import VersionStore

READY = VersionRow(
    model="digits",
    version=9_999_999_999,
    state=State.READY,
    served=True,
    artefact="a" * 64,
    config=ModelConfig(task="binary", labels=("no", "yes"), threshold=0.25),
)
CHANGED = VersionRow("digits", 3, State.READY, artefact="b" * 64, files_state=State.COMPILING)
FAILED = VersionRow("digits", 2, State.FAILED, reason="digits.h5: the weights don't fit – 'x'")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
    migrate(opened)
    yield opened
    opened.dispose()


def test_rows_read_as_they_were_written_in_order(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")

    store.replace([READY, FAILED, CHANGED, VersionRow("a", 1, State.DISCOVERED)])

    assert store.rows() == [VersionRow("a", 1, State.DISCOVERED), FAILED, CHANGED, READY]


def test_another_process_reads_the_same(engine: sa.Engine) -> None:
    VersionStore(engine, "/models").replace([READY])
    other = sa.create_engine(engine.url)

    assert VersionStore(other, "/models").rows() == [READY]
    other.dispose()


def test_what_is_no_longer_told_is_gone(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.replace([READY, FAILED])

    store.replace([FAILED])

    assert store.rows() == [FAILED]


def test_two_repositories_share_a_database_without_meeting(engine: sa.Engine) -> None:
    first, second = VersionStore(engine, "/first"), VersionStore(engine, "/second")
    first.replace([READY])
    second.replace([FAILED])

    first.replace([])

    assert first.rows() == []
    assert second.rows() == [FAILED]


def test_an_empty_repository_differs_from_one_never_looked_at(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    before = store.was_scanned()

    store.replace([])

    assert (before, store.was_scanned()) == (False, True)
    assert not VersionStore(engine, "/other").was_scanned()


def test_a_failed_write_leaves_the_last_truth(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.replace([READY])

    with pytest.raises(sa.exc.IntegrityError):
        store.replace([FAILED, FAILED])

    assert store.rows() == [READY]


HELD = Held("digits", 1, READY.identity, Loading.LOADED)
LOST = Held("text", 2, "2 a b", Loading.RETRYING, "the TensorFlow runtime isn't there")


def test_each_wish_of_a_model_has_a_ticket_above_the_last(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")

    tickets = [
        store.wish("digits", is_unloaded=True),
        store.wish("text", is_unloaded=True),
        store.wish("digits", is_unloaded=False),
    ]

    assert tickets == [1, 1, 2]
    assert store.wishes() == {
        "digits": Wish("digits", False, ticket=2),
        "text": Wish("text", True, ticket=1),
    }
    assert VersionStore(engine, "/other").wishes() == {}


def test_tickets_of_several_workers_differ(engine: sa.Engine) -> None:
    def ask(_: int) -> int:
        return VersionStore(engine, "/models").wish("digits", is_unloaded=True)

    with ThreadPoolExecutor(4) as threads:
        tickets = list(threads.map(ask, range(12)))

    assert sorted(tickets) == list(range(1, 13))


def test_the_controller_answers_the_wishes_that_it_has_read(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.wish("digits", is_unloaded=True)
    read = list(store.wishes().values())
    store.wish("digits", is_unloaded=False)

    store.answer(read)

    assert store.wishes()["digits"] == Wish("digits", False, ticket=2, looked=1)


def test_a_scan_leaves_wishes_and_workers(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.wish("digits", is_unloaded=True)
    store.report(WorkerRecord("a:1:2"))

    store.replace([READY])

    assert "digits" in store.wishes()
    assert store.workers() == [WorkerRecord("a:1:2")]


def test_a_worker_is_known_by_its_last_report(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")
    store.report(WorkerRecord("b:2:2", beat=1.0))
    store.report(WorkerRecord("a:1:1", (HELD,), {"digits": 1}, 2.0))

    store.report(WorkerRecord("b:2:2", (HELD, LOST), {"digits": 1, "text": 7}, 1_700_000_000.25))

    assert store.workers() == [
        WorkerRecord("a:1:1", (HELD,), {"digits": 1}, 2.0),
        WorkerRecord("b:2:2", (HELD, LOST), {"digits": 1, "text": 7}, 1_700_000_000.25),
    ]
    assert VersionStore(engine, "/other").workers() == []


def test_a_forgotten_worker_is_gone_alone(engine: sa.Engine) -> None:
    store, other = VersionStore(engine, "/models"), VersionStore(engine, "/other")
    for each in (store, other):
        each.report(WorkerRecord("a:1:1"))
    store.report(WorkerRecord("b:2:2"))

    store.forget("a:1:1")
    store.forget("never:0:0")

    assert [record.worker for record in store.workers()] == ["b:2:2"]
    assert [record.worker for record in other.workers()] == ["a:1:1"]
