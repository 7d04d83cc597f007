"""The schema as a process sees it that keeps no connection: refused if newer, made if missing."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import HEAD, known_revision, open_database
from service.base.database_errors import SchemaUnknown
from service.base.schema import prepare_schema, refuse_newer_schema


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kerasd.sqlite"


def test_a_schema_is_made_and_then_known(url: str) -> None:
    prepare_schema(url)
    prepare_schema(url)

    engine = open_database(url)
    assert known_revision(engine) == HEAD
    engine.dispose()
    refuse_newer_schema(url)


def test_a_newer_one_is_refused_with_both_revisions(url: str) -> None:
    prepare_schema(url)
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(SchemaUnknown, match=rf"9999.*{HEAD}"):
        refuse_newer_schema(url)


def test_a_database_that_is_away_is_met_later(tmp_path: Path) -> None:
    url = f"postgresql://kerasd@/none?host={tmp_path}"
    prepare_schema(url)
    refuse_newer_schema(url)
    refuse_newer_schema(f"sqlite:///{tmp_path}/none/kerasd.sqlite")

    assert list(tmp_path.iterdir()) == []
