"""`kerasd migrate`: makes the schema, waits for whoever does so already, and for the database."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError, ProgrammingError

from service.base.database import HEAD, known_revision, open_database
from service.base.database_errors import DatabaseUnusable, SchemaUnknown
from service.cli.main import cli
from service.cli.migrate import patiently
from tests.postgres import Postgres, running_postgres

RUNS = 4
COMMAND = [sys.executable, "-m", "service.cli.main", "migrate"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def _revision(url: str) -> str | None:
    engine = open_database(url)
    try:
        return known_revision(engine)
    finally:
        engine.dispose()


def _set_revision(url: str, revision: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    engine.dispose()


def _migrate_at_once(environment: dict[str, str]) -> list[str]:
    """What several runs print that begin together; each has to end well."""
    runs = [
        subprocess.Popen(
            COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(RUNS)
    ]
    told = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * RUNS, told
    return [out for out, _ in told]


def test_it_makes_the_schema_once_and_says_so(tmp_path: Path) -> None:
    arguments = ["migrate", "--state-dir", str(tmp_path)]

    first = CliRunner().invoke(cli, arguments)
    second = CliRunner().invoke(cli, arguments)

    assert first.output == f"schema {HEAD}: made anew\n"
    assert second.output == f"schema {HEAD}: nothing to do\n"
    assert _revision(f"sqlite:///{tmp_path}/kerasd.sqlite") == HEAD


def test_a_schema_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    arguments = ["migrate", "--state-dir", str(tmp_path)]
    CliRunner().invoke(cli, arguments)
    _set_revision(f"sqlite:///{tmp_path}/kerasd.sqlite", "9999")

    ended = CliRunner().invoke(cli, arguments)

    assert isinstance(ended.exception, SchemaUnknown)
    assert "schema 9999" in str(ended.exception)


class Clock:
    """Time that passes while somebody pauses, and what pauses there were."""

    def __init__(self) -> None:
        self.at = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.at

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds


def _away(times: int) -> Iterator[bool]:
    yield from [True] * times
    while True:
        yield False


def _work(away: Iterator[bool]) -> tuple[str | None, str | None]:
    if next(away):
        raise OperationalError("SELECT 1", {}, Exception("connection\n refused"))
    return None, HEAD


def test_it_waits_for_a_database_that_is_away() -> None:
    clock, away = Clock(), _away(3)

    assert patiently(lambda: _work(away), 60, clock.now, clock.pause) == (None, HEAD)
    assert clock.pauses == [1.0, 1.0, 1.0]


def test_it_does_not_wait_for_ever() -> None:
    clock, away = Clock(), _away(100)

    with pytest.raises(DatabaseUnusable, match=r"\(connection refused, for 2.5 seconds\)"):
        patiently(lambda: _work(away), 2.5, clock.now, clock.pause)
    assert clock.pauses == [1.0, 1.0, 0.5]


def test_what_time_does_not_mend_is_told_at_once() -> None:
    def forbidden() -> tuple[str | None, str | None]:
        raise ProgrammingError("CREATE TABLE", {}, Exception("permission denied"))

    clock = Clock()

    with pytest.raises(DatabaseUnusable, match=r"\(permission denied\)"):
        patiently(forbidden, 60, clock.now, clock.pause)
    assert clock.pauses == []


def test_a_database_that_never_answers_is_told_of_without_its_password() -> None:
    url = "postgresql://kerasd:hunter2@127.0.0.1:1/kerasd"
    ran = subprocess.run(
        [*COMMAND, "--wait", "0"], env={"KERASD_DATABASE_URL": url}, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("kerasd: The database can't be used (")
    assert "hunter2" not in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_runs_at_the_same_time_wait_for_each_other_on_sqlite(tmp_path: Path) -> None:
    told = _migrate_at_once({"KERASD_STATE_DIR": str(tmp_path)})

    assert all(line.startswith(f"schema {HEAD}: ") for line in told)
    assert _revision(f"sqlite:///{tmp_path}/kerasd.sqlite") == HEAD


@pytest.mark.slow
def test_runs_at_the_same_time_wait_for_each_other_on_postgresql(postgres: Postgres) -> None:
    url = postgres.empty()

    told = _migrate_at_once({"KERASD_DATABASE_URL": url})

    assert all(line.startswith(f"schema {HEAD}: ") for line in told)
    assert _revision(url) == HEAD
