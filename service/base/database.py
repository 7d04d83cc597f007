"""The way into the database: an engine with the right pragmas, and its schema."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0003"
BUSY_TIMEOUT_MS = 10_000


def open_database(url: str) -> sa.Engine:
    """An engine for `url`; SQLite in WAL mode, so that readers and one writer don't wait."""
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    if address.get_backend_name() == "sqlite" and address.database:
        # A connection kept open would not notice that somebody removed the file.
        engine = sa.create_engine(address, poolclass=sa.NullPool)
    else:
        engine = sa.create_engine(address)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to this program's revision; safe to call again."""
    if _revision(engine) == HEAD:
        return
    from alembic import command  # costs time and memory that only a change of schema is worth
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: sa.Engine) -> str | None:
    if not sa.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
