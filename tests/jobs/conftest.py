"""Databases for the job table: each store test runs on SQLite and on PostgreSQL."""

import pytest
import sqlalchemy as sa

from service.jobs.store import JobStore
from tests.quality.conftest import database_url, engine, postgres

__all__ = ["database_url", "engine", "postgres", "store"]


@pytest.fixture
def store(engine: sa.Engine) -> JobStore:
    """The jobs of one repository in that database."""
    return JobStore(engine, "/models")
