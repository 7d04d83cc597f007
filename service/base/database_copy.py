"""A whole copy of an SQLite database beside whoever writes in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from service.base.database import Engine, check_revision
from service.base.database_errors import BackupRefused


def sqlite_file(engine: Engine) -> Path | None:
    """The file of the database; none if it lies on a server."""
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def copy_database(source: Path, target: Path) -> str:
    """Copy all that was committed when it began, as one file; the revision of its schema.

    It is SQLite's own way: one read transaction, to which the log counts. Nobody waits meanwhile.
    Raises BackupRefused or SchemaUnknown.
    """
    if not source.is_file():
        raise BackupRefused(f"There is no database {source}; is the state directory another one?")
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True)) as ours,
            closing(sqlite3.connect(target)) as copy,
        ):
            ours.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file: a copy of it is whole
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
            revision = str(copy.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            oldest = _oldest_good(copy, revision)
    except (sqlite3.Error, TypeError) as error:
        raise BackupRefused(f"The database {source} can't be copied: {error}") from error
    if found != "ok":
        raise BackupRefused(f"The database {source} is damaged: {found}")
    check_revision(revision, oldest)
    return revision


def check_copy(copy: Path, revision: str) -> None:
    """Raise SchemaUnknown if this program isn't good for the schema of a copy that is whole."""
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        check_revision(revision, _oldest_good(database, revision))


def _oldest_good(database: sqlite3.Connection, revision: str) -> str | None:
    listed = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_good_for'")
    if listed.fetchone() is None:
        return None
    query = "SELECT oldest FROM schema_good_for WHERE revision = ?"
    found = database.execute(query, (revision,)).fetchone()
    return None if found is None else str(found[0])
