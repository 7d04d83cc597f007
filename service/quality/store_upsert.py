"""Rows that are inserted or, where the key is there already, change what is there: one statement.

Nothing depends on what a planner believes of a table, as it would if existing rows were looked up
first: a database that has just been filled has no statistics, and looks through all of it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

Insert = Any  # SQLite's or PostgreSQL's, which have the same calls
Record = Mapping[str, Any]
Clause = Callable[[Insert, sa.Table], Any]
ARRAY = "all_"  # the columns' own names are taken


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Record], clause: Clause
) -> list[sa.Row[Any]]:
    """Insert rows of different keys; `clause` says what happens to those that are there already.

    All rows have the same columns. What the clause returns by RETURNING is the answer, in no
    order.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        columns = {f"{ARRAY}{name}": [row[name] for row in rows] for name in names}
        result = connection.execute(_with_arrays(table, names, clause), columns)
    else:
        result = connection.execute(_with_rows(table, clause), rows)
    return list(result) if result.returns_rows else []


def add(connection: sa.Connection, table: sa.Table, rows: Sequence[Record]) -> None:
    """Add to what is there: all columns but the key are sums.

    The rows are taken in the order of their keys, so that no two writers wait for each other.
    """
    keys = [column.name for column in table.primary_key]
    upsert(connection, table, sorted(rows, key=lambda row: [row[key] for key in keys]), _adding)


def keep_first(connection: sa.Connection, table: sa.Table, rows: Sequence[Record]) -> None:
    """Insert what isn't there yet."""
    upsert(connection, table, rows, _doing_nothing)


def _adding(insert: Insert, table: sa.Table) -> Any:
    sums = [column for column in table.c if not column.primary_key]
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: column + insert.excluded[column.name] for column in sums},
    )


def _doing_nothing(insert: Insert, _table: sa.Table) -> Any:
    return insert.on_conflict_do_nothing()


# To make a statement takes longer than to execute it with one row.


@lru_cache(64)
def _with_rows(table: sa.Table, clause: Clause) -> Any:
    return clause(sqlite.insert(table), table)


@lru_cache(64)
def _with_arrays(table: sa.Table, names: tuple[str, ...], clause: Clause) -> Any:
    """One array a column, instead of one parameter a number: five times as quick here."""
    from sqlalchemy.dialects import postgresql  # megabytes that SQLite has no use for

    arrays = [
        sa.bindparam(f"{ARRAY}{name}", type_=postgresql.ARRAY(type(table.c[name].type)()))
        for name in names
    ]
    rows = sa.func.unnest(*arrays).table_valued(*names).render_derived()
    return clause(postgresql.insert(table).from_select(list(names), sa.select(*rows.c)), table)
