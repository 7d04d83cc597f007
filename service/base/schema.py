"""The database's schema as a process sees to it that keeps no connection itself.

SQLAlchemy and alembic take memory that who only starts others, or only needs a schema once, can do
without.
"""

from service.base.apart import apart
from service.base.database_errors import SchemaUnknown


def refuse_newer_schema(url: str) -> None:
    """Raise SchemaUnknown if a newer kerasd has changed the schema; the rest is met later."""
    found = apart(lambda: _newer(url))
    if found:
        raise SchemaUnknown(*found.split())


def prepare_schema(url: str) -> None:
    """Bring the schema to this program's revision if that can be done now."""
    apart(lambda: _prepare(url))


def _newer(url: str) -> str:
    from service.base.database import HEAD, check_schema

    try:
        check_schema(url)
    except SchemaUnknown as error:
        return f"{error.found} {HEAD}"
    return ""


def _prepare(url: str) -> str:
    from service.base.database import migrate, open_database

    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return ""
