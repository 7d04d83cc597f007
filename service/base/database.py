"""The way into the database: an engine with the right pragmas, and its schema."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from service.base.database_errors import SchemaUnknown
from service.base.errors import SettingsInvalid

Engine = sa.Engine  # for those who only hand it on

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0006"
# A program that knows no more than this revision may work on HEAD's schema, which only adds to it.
OLDEST_GOOD = "0005"
# Kept beside alembic's own table: the oldest revision whose programs are good for the schema.
GOOD = sa.Table(
    "schema_good_for",
    sa.MetaData(),
    sa.Column("revision", sa.String(32), primary_key=True),
    sa.Column("oldest", sa.String(32), nullable=False),
)
BUSY_TIMEOUT_MS = 10_000
MIGRATION_LOCK = 0x6B657261  # any number that nobody else takes
SOON_MS = 20
CONNECT_S = 3  # for who only wants to know
KEPT = 2  # connections: one for the thread that polls, one for whoever comes beside it
# No thread waits for another one's connection; those above the kept ones are closed.
POOL: dict[str, Any] = {"pool_size": KEPT, "max_overflow": -1}


def open_database(url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> sa.Engine:
    """An engine for `url`; SQLite in WAL mode, so that readers and one writer don't wait.

    It is made and used after a fork. Of SQLite's file a process keeps connections: whoever closes
    the last one writes the log back into the file, waits for the disk and removes the log, which a
    process that opens one for each query does again and again, under a lock that all wait for.
    Raises SettingsInvalid for a database that isn't supported or can't be reached from here.
    """
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        return _open_postgres(address)
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = sa.create_engine(address, poolclass=sa.QueuePool, **POOL)
    else:
        engine = sa.create_engine(address)

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_timeout_ms}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    event.listen(engine, "connect", prepare)
    if address.database:
        _follow(engine, Path(address.database))
    return engine


def hasty(engine: sa.Engine) -> sa.Engine:
    """One to the same database for who can't wait: where SQLite is locked it fails within moments.

    Any other database's engine is the same one.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return engine
    return open_database(engine.url.render_as_string(hide_password=False), SOON_MS)


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to this program's revision; safe to call again.

    One that a newer kerasd has brought further stays as it is. Raises SchemaUnknown if this program
    isn't good for it.
    """
    found = known_revision(engine)
    if found == HEAD or (found is not None and found not in _revisions()):
        return
    from alembic import command  # costs time and memory that only a change of schema is worth
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # replicas that start at once migrate one by one
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        else:  # a reader that becomes a writer would be refused, and not wait
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _declare(connection)


def check_schema(url: str) -> None:
    """Raise SchemaUnknown if this program isn't good for the schema.

    A database that isn't there yet, or is away, is for those to meet who need it.
    """
    if is_missing(url):
        return
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        address = address.update_query_dict({"connect_timeout": str(CONNECT_S)})
    engine = open_database(address.render_as_string(hide_password=False), SOON_MS)
    try:
        known_revision(engine)
    except sa.exc.SQLAlchemyError:
        return
    finally:
        engine.dispose()


def is_missing(url: str) -> bool:
    """True for a file of SQLite that isn't there: who opens it makes one."""
    address = sa.make_url(url)
    return address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file()


def known_revision(engine: sa.Engine) -> str | None:
    """The schema's revision; none if there is no schema. Raises SchemaUnknown."""
    alembic = sa.table("alembic_version", sa.column("version_num"))
    found = _only(engine, alembic.name, sa.select(alembic))
    if found is not None and found not in _revisions():
        oldest = sa.select(GOOD.c.oldest).where(GOOD.c.revision == found)
        check_revision(found, _only(engine, GOOD.name, oldest))
    return found


def check_revision(found: str, oldest: str | None) -> None:
    """Raise SchemaUnknown if this program neither knows the revision nor is declared good for it.

    `oldest` is the revision from which on programs are good for it, if somebody has declared it.
    """
    known = _revisions()
    if found not in known and oldest not in known:
        raise SchemaUnknown(found, HEAD)


@contextmanager
def durable(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that not even a power cut undoes once this has ended.

    SQLite in WAL mode with synchronous=NORMAL may lose the latest transactions then, and so may
    PostgreSQL with synchronous_commit=off.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
        else:
            connection.exec_driver_sql(
                "SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
        try:
            yield connection
            connection.commit()
        finally:
            if engine.dialect.name == "sqlite":  # the connection stays open, for others
                connection.rollback()
                connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for reading, all of whose queries see the database as the first one does."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def _open_postgres(address: sa.URL) -> sa.Engine:
    if address.drivername not in ("postgresql", "postgresql+psycopg"):
        expected = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        raise SettingsInvalid(f"setting database_url: {expected}, got {address.drivername}://…")
    try:
        # A server that was started again has closed the connections of the pool.
        address = address.set(drivername="postgresql+psycopg")
        return sa.create_engine(address, pool_pre_ping=True, **POOL)
    except ModuleNotFoundError as error:
        need = "PostgreSQL needs psycopg; install it with: pip install 'kerasd[postgres]'"
        raise SettingsInvalid(f"setting database_url: {need}") from error


def _revisions() -> set[str]:
    """Those that this program knows; its migrations are named by them."""
    return {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py")}


def _declare(connection: sa.Connection) -> None:
    GOOD.create(connection, checkfirst=True)
    connection.execute(GOOD.delete())
    connection.execute(GOOD.insert().values(revision=HEAD, oldest=OLDEST_GOOD))


def _only(engine: sa.Engine, table: str, query: "sa.Select[Any]") -> str | None:
    """The value of the only row; none where there is no such row, or no such table."""
    if not sa.inspect(engine).has_table(table):
        return None
    with engine.connect() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def _follow(engine: sa.Engine, file: Path) -> None:
    """Have no connection used whose file somebody has removed or replaced: it would read on in it.

    What stands at the name before a connection is opened is never newer than what it opens.
    """

    def note(_dialect: Any, record: Any, _arguments: Any, _options: Any) -> None:
        record.info["file"] = _identity(file)

    def note_new(_connection: Any, record: Any) -> None:
        if record.info["file"] is None:  # it was made with the first statement
            record.info["file"] = _identity(file)

    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identity(file):
            raise sa.exc.InvalidatePoolError(f"{file.name} is another file by now")

    event.listen(engine, "do_connect", note)
    event.listen(engine, "connect", note_new)
    event.listen(engine, "checkout", check)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino
