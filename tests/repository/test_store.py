"""What the controller records is what the web workers read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore

READY = VersionRow(
    model="digits",
    version=9_999_999_999,
    state=State.READY,
    served=True,
    artefact="a" * 64,
    config=ModelConfig(task="binary", labels=("no", "yes"), threshold=0.25),
)
FAILED = VersionRow("digits", 2, State.FAILED, reason="digits.h5: the weights don't fit – 'x'")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
    migrate(opened)
    yield opened
    opened.dispose()


def test_rows_read_as_they_were_written_in_order(engine: sa.Engine) -> None:
    store = VersionStore(engine, "/models")

    store.replace([READY, FAILED, VersionRow("a", 1, State.DISCOVERED)])

    assert store.rows() == [VersionRow("a", 1, State.DISCOVERED), FAILED, READY]


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
