"""Feedback while the database is away, and when too much of it comes at once."""

from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.base.errors import Overloaded
from service.web.feedback.routes import AT_ONCE, Room
from service.web.process import WebProcess
from tests.web.client import FlaskClient
from tests.web.feedback.world import predicted, rows_of


def test_nothing_is_acknowledged_that_could_not_be_written(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(0))
    engine = open_database(process.settings.database)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE feedback"))
    engine.dispose()
    body: dict[str, Any] = {"feedback": [{"prediction_id": id_, "label": "cat"}]}
    answer = client.post("/v1/models/pets:feedback", body)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert client.ask("GET", "/v1/models/pets/quality?window=1h").status == 503
    assert not process.quality.store.counters().outcomes
    assert predicted(client, rows_of(1))


def test_who_finds_no_room_is_told_so_at_once() -> None:
    room = Room()
    with ExitStack() as inside:
        for _ in range(AT_ONCE):
            inside.enter_context(room.one())
        with pytest.raises(Overloaded, match="feedback"), room.one():
            raise AssertionError("there was room")
    with room.one():
        pass
