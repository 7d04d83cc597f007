"""A scrape of any web process tells when the controller last worked, wherever that is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.store_heartbeats import CONTROLLER, Heartbeat
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import FlaskClient, working


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, {"m": FakeVersion()}) as process:
        yield process


def told(process: WebProcess) -> list[str]:
    text = FlaskClient(process).ask("GET", "/metrics").body.decode()
    return [line for line in text.splitlines() if line.startswith("kerasd_controller_")]


def test_where_no_controller_ever_was_nothing_is_told(process: WebProcess) -> None:
    assert told(process) == []


def test_both_times_are_those_of_the_database(process: WebProcess) -> None:
    process.heartbeats.write(CONTROLLER, Heartbeat(1e9, 1.5e9))
    assert told(process) == [
        "kerasd_controller_last_step_timestamp_seconds 1.5e+09",
        "kerasd_controller_start_timestamp_seconds 1e+09",
    ]


def test_without_the_table_or_the_database_a_scrape_has_the_rest(process: WebProcess) -> None:
    process.heartbeats.write(CONTROLLER, Heartbeat(1e9, 1.5e9))
    engine = open_database(process.settings.database)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE heartbeats"))
    engine.dispose()
    answer = FlaskClient(process).ask("GET", "/metrics")
    assert answer.status == 200
    assert b"kerasd_controller_" not in answer.body
    assert b"kerasd_model_current" in answer.body
