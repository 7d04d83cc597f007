"""Predictions that somebody has had deleted: nothing is kept of them any more, whoever brings it.

Who writes rows of predictions holds the list of them still meanwhile; who adds to it is alone. So
either the deletion meets the rows, or the rows meet the list.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from service.quality.store_tables import forgotten

FORGETTING = 0x666F7267  # a lock of PostgreSQL's, by any number that nobody else takes
LOOKED_UP = 1000


def hold(connection: sa.Connection) -> None:
    """Have nobody forget anything until the transaction ends; to be called first in it."""
    if connection.dialect.name == "sqlite":  # which has one writer, once it knows of it
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(FORGETTING)))


def hold_alone(connection: sa.Connection) -> None:
    """Have nobody write anything of predictions either."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(FORGETTING)))


def forgotten_among(connection: sa.Connection, ids: Iterable[bytes]) -> set[bytes]:
    """Those of these predictions that were deleted."""
    if connection.execute(sa.select(forgotten.c.prediction).limit(1)).first() is None:
        return set()
    wanted = sorted(set(ids))
    query = sa.select(forgotten.c.prediction).where(
        forgotten.c.prediction.in_(sa.bindparam("ids", expanding=True))
    )
    gone: set[bytes] = set()
    for start in range(0, len(wanted), LOOKED_UP):
        gone.update(connection.scalars(query, {"ids": wanted[start : start + LOOKED_UP]}))
    return gone
