"""`kerasd migrate`: bring the database to this version's schema, and end."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from service.base.database import Engine, known_revision, migrate, open_database
from service.base.database_errors import DatabaseUnusable, database_words
from service.base.settings import read_settings

WAIT_S = 60.0
PAUSE_S = 1.0


@click.command("migrate")
@click.option("--state-dir", type=click.Path(path_type=Path),
              help="State directory of the service; SQLite lies in it.")  # fmt: skip
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=WAIT_S, show_default=True,
              help="Seconds to wait for a database that is away.")  # fmt: skip
def migrate_command(state_dir: Path | None, wait_s: float) -> None:
    """Bring the database to the schema of this version; safe to run again, and beside a service."""
    engine = open_database(read_settings(state_dir=state_dir).database)
    try:
        before, after = patiently(lambda: bring_up(engine), wait_s)
    finally:
        engine.dispose()
    click.echo(_told(before, after))


def bring_up(engine: Engine) -> tuple[str | None, str | None]:
    """The schema's revision before and after. Raises SchemaUnknown."""
    before = known_revision(engine)
    migrate(engine)
    return before, known_revision(engine)


def patiently(
    work: Callable[[], tuple[str | None, str | None]],
    wait_s: float,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[str | None, str | None]:
    """Do the work, again and again while the database is away. Raises DatabaseUnusable.

    A database that starts beside this command needs some seconds; any other trouble, such as a
    right that is missing, is no matter of time.
    """
    deadline = now() + wait_s
    while True:
        try:
            return work()
        except OperationalError as error:
            left_s = deadline - now()
            if left_s <= 0:
                why = f"{database_words(error)}, for {wait_s:g} seconds"
                raise DatabaseUnusable(why) from error
            pause(min(PAUSE_S, left_s))
        except SQLAlchemyError as error:
            raise DatabaseUnusable(database_words(error)) from error


def _told(before: str | None, after: str | None) -> str:
    if before == after:
        return f"schema {after}: nothing to do"
    return f"schema {after}: made anew" if before is None else f"schema {after}: it was {before}"
