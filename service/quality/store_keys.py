"""The keys of receipts, and the name of this database, which all of its replicas share."""

import secrets

import sqlalchemy as sa

from service.base.database import durable
from service.quality.receipt_keys import ReceiptKey
from service.quality.store_tables import installation, receipt_keys

SECRET_BYTES = 32
ID_BYTES = 4
LEAST_GAP_S = 0.001


class KeyStore:
    """The keys of an installation; all repositories in a database have the same."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def installation(self) -> str:
        """The name of this database: the same for all that use it, and no other one's."""
        with self._engine.connect() as connection:
            return str(connection.execute(sa.select(installation.c.store)).scalar_one())

    def read(self) -> list[ReceiptKey]:
        """All keys, by age."""
        with self._engine.connect() as connection:
            return _read(connection)

    def get_or_create(self, at: float) -> list[ReceiptKey]:
        """All keys, by age; the first one is made if there is none."""
        found = self.read()
        if found:
            return found
        with durable(self._engine) as connection:
            _lock(connection)
            if not _read(connection):
                _insert(connection, at)
            return _read(connection)

    def rotate(self, at: float, *, forget: bool = False) -> ReceiptKey:
        """Make a new key, which signs from now on; the others are only good for reading.

        With `forget` they are deleted, because one of them is known to somebody: nothing that they
        signed is accepted any more, by each process as soon as it has read the keys.
        """
        with durable(self._engine) as connection:
            _lock(connection)
            latest = max((key.created_at for key in _read(connection)), default=0.0)
            if forget:
                connection.execute(sa.delete(receipt_keys))
            retired = sa.update(receipt_keys).where(receipt_keys.c.retired_at.is_(None))
            connection.execute(retired.values(retired_at=at))
            # Later than any other, whatever the clock of that replica said.
            return _insert(connection, max(at, latest + LEAST_GAP_S))

    def sweep(self, before: float) -> int:
        """Delete keys that were retired before a time, as all that they signed is too old now."""
        old = sa.delete(receipt_keys).where(receipt_keys.c.retired_at < before)
        with self._engine.begin() as connection:
            return int(connection.execute(old).rowcount)


def _lock(connection: sa.Connection) -> None:
    """Be alone with the keys until the transaction ends."""
    connection.execute(sa.update(installation).values(store=installation.c.store))


def _read(connection: sa.Connection) -> list[ReceiptKey]:
    query = sa.select(receipt_keys).order_by(receipt_keys.c.created_at)
    return [
        ReceiptKey(record.id, record.secret, record.created_at, record.retired_at)
        for record in connection.execute(query)
    ]


def _insert(connection: sa.Connection, at: float) -> ReceiptKey:
    key = ReceiptKey(secrets.token_hex(ID_BYTES), secrets.token_bytes(SECRET_BYTES), at)
    connection.execute(
        sa.insert(receipt_keys),
        {"id": key.id, "secret": key.secret, "created_at": at, "retired_at": None},
    )
    return key
