"""The database: opened with care, and its schema is the one that the program declares."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.base.database import (
    BUSY_TIMEOUT_MS,
    GOOD,
    HEAD,
    MIGRATIONS,
    OLDEST_GOOD,
    check_schema,
    hasty,
    known_revision,
    migrate,
    open_database,
)
from service.base.database_errors import SchemaUnknown
from service.base.errors import SettingsInvalid
from service.jobs import store_tables as jobs
from service.quality import store_tables as quality
from service.repository.route import Route
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.repository.store_tables import metadata

TABLES = {**metadata.tables, **quality.metadata.tables}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/state/kerasd.sqlite")
    yield opened
    opened.dispose()


def _schema(engine: sa.Engine) -> dict[str, Any]:
    inspector = sa.inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
        )
        for table in TABLES
    }


def test_a_new_database_is_made_with_its_folder(engine: sa.Engine, tmp_path: Path) -> None:
    migrate(engine)

    assert (tmp_path / "state" / "kerasd.sqlite").is_file()


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO scans VALUES ('repo', '2026-01-01')"))

    migrate(engine)

    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT repository FROM scans")).scalar() == "repo"


def test_wishes_of_an_older_release_go_on_as_routes(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(sa.text("INSERT INTO wishes VALUES ('repo', 'm', true, 7, 6)"))
        connection.execute(
            sa.text(
                "INSERT INTO versions VALUES"
                " ('repo', 'm', 1, 'READY', '', true, 'a', '{}', '2026-01-01', null)"
            )
        )

    migrate(engine)

    store = VersionStore(engine, "repo")
    assert store.routes() == {"m": Route("m", revision=7, looked=6, is_unloaded=True)}
    assert store.rows() == [VersionRow("m", 1, State.READY, artefact="a")]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        wishes = connection.execute(sa.text("SELECT * FROM wishes")).all()
    assert [tuple(wish) for wish in wishes] == [("repo", "m", 1, 7, 6)]


def test_a_schema_that_a_newer_program_made_is_refused_and_left_alone(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    why = f"schema 9999, .* newest is {HEAD}.*newer kerasd"
    with pytest.raises(SchemaUnknown, match=why):
        migrate(engine)
    with pytest.raises(SchemaUnknown, match=why):
        check_schema(str(engine.url))

    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert found == "9999"


def bring_to_9999(engine: sa.Engine, oldest: str) -> None:
    """As a newer program does."""
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(GOOD.update().values(revision="9999", oldest=oldest))


def test_a_schema_of_a_newer_program_that_only_adds_is_worked_on_and_left_alone(
    engine: sa.Engine,
) -> None:
    bring_to_9999(engine, oldest=HEAD)

    migrate(engine)
    check_schema(str(engine.url))

    assert known_revision(engine) == "9999"


def test_one_that_is_good_for_newer_programs_alone_is_refused(engine: sa.Engine) -> None:
    bring_to_9999(engine, oldest="9998")

    with pytest.raises(SchemaUnknown):
        migrate(engine)
    with pytest.raises(SchemaUnknown):
        check_schema(str(engine.url))


def test_what_the_oldest_good_revision_has_is_there_still_and_enough(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLDEST_GOOD)
    before = _columns(engine)

    migrate(engine)

    after = _columns(engine)
    assert before.items() <= {name: after.get(name) for name in before}.items()
    added = {name for name in after.keys() - before.keys() if name[0] in {t for t, _ in before}}
    assert all(after[name][1] for name in added)  # who knows nothing of it may write a row


def _columns(engine: sa.Engine) -> dict[tuple[str, str], tuple[str, bool]]:
    """The type of each column by table and name, and whether a row may do without it."""
    inspector = sa.inspect(engine)
    return {
        (table, one["name"]): (str(one["type"]), one["nullable"] or one["default"] is not None)
        for table in inspector.get_table_names()
        if table != "alembic_version"
        for one in inspector.get_columns(table)
    }


def test_a_database_that_is_not_there_or_away_is_no_reason_not_to_start(tmp_path: Path) -> None:
    check_schema(f"sqlite:///{tmp_path}/none/kerasd.sqlite")
    check_schema(f"postgresql://kerasd@/none?host={tmp_path}")

    assert list(tmp_path.iterdir()) == []


def test_the_program_wants_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_migrated_schema_is_the_declared_one(engine: sa.Engine) -> None:
    migrate(engine)
    declared = open_database("sqlite://")
    all_of_them: Any = [metadata, quality.metadata, jobs.metadata, GOOD.metadata]  # as alembic's
    for each in all_of_them:
        each.create_all(declared)

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), all_of_them) == []
    assert _schema(engine) == _schema(declared)  # primary keys, too
    declared.dispose()


def test_a_writer_does_not_wait_for_a_reader(engine: sa.Engine) -> None:
    migrate(engine)
    rows = sa.text("SELECT count(*) FROM scans")

    with engine.connect() as reader, engine.connect() as writer:
        reader.execute(sa.text("BEGIN"))
        before = reader.execute(rows).scalar()
        writer.execute(sa.text("INSERT INTO scans VALUES ('repo', '2026-01-01')"))
        writer.commit()

        assert (before, reader.execute(rows).scalar()) == (0, 0)  # the reader's own moment
    with engine.connect() as later:
        assert later.execute(rows).scalar() == 1


def test_readers_keep_the_log_open_and_never_write_it_back(
    engine: sa.Engine, tmp_path: Path
) -> None:
    migrate(engine)
    log = tmp_path / "state" / "kerasd.sqlite-wal"
    before = log.stat().st_ino
    quick = hasty(engine)
    for each in (quick, engine, quick):
        with each.connect() as reader:
            reader.execute(sa.text("SELECT * FROM scans")).all()
    assert log.stat().st_ino == before
    assert quick.pool.checkedin() == 1  # type: ignore[attr-defined]
    quick.dispose()


def test_many_threads_wait_for_no_connection(engine: sa.Engine) -> None:
    migrate(engine)
    with ExitStack() as stack:
        held = [stack.enter_context(engine.connect()) for _ in range(40)]
        assert all(one.execute(sa.text("SELECT 1")).scalar() == 1 for one in held)


@pytest.mark.parametrize("is_replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_another_one_is_noticed(
    engine: sa.Engine, tmp_path: Path, is_replaced: bool
) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO scans VALUES ('repo', '2026-01-01')"))
    if is_replaced:
        other = open_database(f"sqlite:///{tmp_path}/other.sqlite")
        migrate(other)
        other.dispose()
    for path in (tmp_path / "state").iterdir():
        path.unlink()
    if is_replaced:
        (tmp_path / "other.sqlite").rename(tmp_path / "state" / "kerasd.sqlite")

    migrate(engine)

    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT * FROM scans")).all() == []
    assert (tmp_path / "state" / "kerasd.sqlite").stat().st_size > 0


def test_who_is_in_haste_does_not_wait_for_a_lock(engine: sa.Engine, tmp_path: Path) -> None:
    migrate(engine)
    engine.dispose()
    quick = hasty(engine)
    owner = sqlite3.connect(tmp_path / "state" / "kerasd.sqlite", isolation_level=None)
    owner.execute("PRAGMA locking_mode=EXCLUSIVE")
    owner.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    with pytest.raises(sa.exc.OperationalError, match="locked"), quick.connect():
        pass

    assert time.monotonic() - began < BUSY_TIMEOUT_MS / 2000
    owner.close()
    with quick.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM scans")).scalar() == 0
    quick.dispose()


@pytest.mark.parametrize("url", ["sqlite:///{}/k.sqlite", "postgresql://u@h/d"])
def test_of_a_burst_two_connections_stay_and_nobody_waits(url: str, tmp_path: Path) -> None:
    pool: Any = open_database(url.format(tmp_path)).pool
    assert (pool.size(), pool._max_overflow) == (2, -1)


def test_other_databases_have_one_engine() -> None:
    memory = open_database("sqlite://")
    assert hasty(memory) is memory
    memory.dispose()


@pytest.mark.parametrize("url", ["mysql://u@h/d", "postgresql+asyncpg://u:secret@h/d"])
def test_another_database_is_refused_with_what_is_expected(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"database_url: expected .*, got \w") as refused:
        open_database(url)
    assert "secret" not in str(refused.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsInvalid, match=r"pip install 'kerasd\[postgres\]'"):
        open_database("postgresql://u@h/d")
