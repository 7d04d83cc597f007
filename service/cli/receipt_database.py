"""The way of the command line to the keys of receipts, beside a service that may be running."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from service.base.database import is_missing, open_database
from service.base.database_errors import database_words
from service.base.errors import KeysRefused
from service.base.settings import read_settings
from service.quality.store_keys import KeyStore


@contextmanager
def key_store(state_dir: Path | None) -> Iterator[KeyStore]:
    """The keys in the database that the settings name. Raises KeysRefused."""
    settings = read_settings(state_dir=state_dir)
    if is_missing(settings.database):
        raise KeysRefused(f"there is no database in the state directory {settings.state_dir}")
    engine = open_database(settings.database)
    try:
        yield KeyStore(engine)
    except SQLAlchemyError as error:
        why = database_words(error)
        raise KeysRefused(
            f"the keys of receipts can't be used ({why}); the service makes their table when it "
            "starts"
        ) from error
    finally:
        engine.dispose()
