"""The tables of quality are made alike on either database, once, however many start at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from service.base.database import GOOD, HEAD, MIGRATIONS, migrate, open_database
from service.jobs import store_tables as jobs
from service.quality import store_tables as quality
from service.quality.store_keys import KeyStore
from service.repository import store_tables as repository
from tests.postgres import Postgres


def revision(engine: sa.Engine) -> object:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def test_the_migrated_schema_is_the_declared_one(engine: sa.Engine) -> None:
    stores = (repository, quality, jobs)
    declared: Any = [*(one.metadata for one in stores), GOOD.metadata]  # as alembic takes them
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), declared) == []


def test_the_way_back_leaves_nothing_behind(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    assert not quality.metadata.tables.keys() & set(sa.inspect(engine).get_table_names())

    migrate(engine)

    assert revision(engine) == HEAD


@pytest.mark.slow
def test_replicas_that_start_at_once_wait_for_each_other(postgres: Postgres) -> None:
    url = postgres.empty()

    def start(_: int) -> str:
        engine = open_database(url)
        try:
            migrate(engine)
            return KeyStore(engine).installation()
        finally:
            engine.dispose()

    with ThreadPoolExecutor(6) as threads:
        names = set(threads.map(start, range(6)))

    assert len(names) == 1


@pytest.mark.slow
def test_a_server_that_was_started_again_is_reached_at_once(postgres: Postgres) -> None:
    engine = open_database(postgres.migrated())
    before = KeyStore(engine).installation()  # leaves a connection in the pool

    postgres.kill()
    postgres.start()

    assert KeyStore(engine).installation() == before
    engine.dispose()
