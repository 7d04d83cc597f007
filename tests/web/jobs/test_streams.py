"""Streams of events over real sockets: whole, in order, resumed, and no burden to anybody else."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.running import wait_until
from tests.web.access.keyed import bearer, give_key
from tests.web.jobs.world import HASTE, Program, Watcher, World, submit, world

EPOCHS = 60


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, job_streams=5, flask_threads=2) as made:
        yield made


def is_free(here: World, places: int = 0) -> bool:
    return here.watchers.count == places


def test_a_watcher_is_told_what_was_and_what_comes(here: World) -> None:
    program = Program(here.process)
    program.epoch(1, loss=0.5)

    with Watcher(here.url, program.id) as watcher:
        assert watcher.answer.headers["content-type"] == "text/event-stream"
        assert watcher.answer.headers["cache-control"] == "no-store"
        assert "x-request-id" in watcher.answer.headers
        told = iter(watcher)
        before = [next(told) for _ in range(4)]
        assert [one.name for one in before] == ["state", "state", "epoch", "job"]
        assert before[2].data["body"] == {"epoch": 1, "loss": 0.5}
        assert before[3].data["state"] == "RUNNING"
        program.progress(epoch=2, batch=7)
        assert next(told).data["progress"] == {"epoch": 2, "batch": 7}
        program.epoch(2, loss=0.4)
        assert (next(told).id, next(told).name) == (4, "job")
        program.finish(version=3)
        rest = list(told)
        assert [one.name for one in rest] == ["state", "end"]
        assert rest[-1].data["state"] == "PUBLISHED"
    wait_until(lambda: is_free(here), "the place is free", 10)


def test_a_client_that_comes_again_misses_nothing_and_gets_nothing_twice(here: World) -> None:
    program = Program(here.process)

    def work() -> None:
        for number in range(1, EPOCHS + 1):
            program.epoch(number, loss=1 / number)
            program.progress(epoch=number)
        program.finish()

    writer = threading.Thread(target=work)
    writer.start()
    got: list[int] = []
    visits = 0
    while True:
        visits += 1
        with Watcher(here.url, program.id, got[-1] if got else None) as watcher:
            if watcher.answer.status_code == 204:
                break
            for count, told in enumerate(watcher.numbered(), 1):
                assert told.id is not None
                got.append(told.id)
                if count == 1 + visits % 7:  # leave in the middle of what was sent
                    break
    writer.join()

    assert got == list(range(1, EPOCHS + 4))  # queued, running and published are events, too
    assert visits > EPOCHS / 7


def test_four_watchers_hold_no_thread_that_others_need(here: World) -> None:
    """There are two, which as many watchers would hold in Flask."""
    program = Program(here.process)
    watchers = [Watcher(here.url, program.id) for _ in range(4)]
    wait_until(lambda: is_free(here, 4), "all watch", 10)
    answers = [requests.get(f"{here.url}/v1/models", timeout=20) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    for watcher in watchers:
        watcher.answer.close()
    wait_until(lambda: is_free(here), "all places are free", 10)


def test_one_watcher_too_many_is_sent_away_until_another_leaves(here: World) -> None:
    program = Program(here.process)
    watchers = [Watcher(here.url, program.id) for _ in range(5)]

    with Watcher(here.url, program.id) as late:
        assert late.answer.status_code == 503
        assert late.answer.headers["retry-after"] == "5"
        assert "5 clients are watching" in late.answer.json()["error"]
    plain = requests.get(f"{here.url}/v1/jobs/{program.id}/events", timeout=20)
    assert [event["kind"] for event in plain.json()["events"]] == ["state", "state"]
    watchers.pop().answer.close()
    wait_until(lambda: is_free(here, 4), "the place is free at once", 10)
    with Watcher(here.url, program.id) as late:
        assert late.answer.status_code == 200
    for watcher in watchers:
        watcher.answer.close()


def test_silence_is_filled_with_comments(here: World) -> None:
    program = Program(here.process)
    with Watcher(here.url, program.id) as watcher:
        told = watcher.numbered()
        next(told), next(told)
        timer = threading.Timer(5 * HASTE.silence_s, program.epoch, (1,))
        timer.start()
        assert next(told).name == "epoch"
        timer.join()
    assert watcher.comments >= 2


def test_a_server_that_stops_ends_its_streams_and_clients_go_on_elsewhere(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        program = Program(here.process)
        with Watcher(here.url, program.id) as watcher:
            told = watcher.numbered()
            last = [next(told).id, next(told).id][-1]
            started = time.monotonic()
            here.server.stop()
            assert list(told) == []  # a whole answer, not one that is cut off
            assert time.monotonic() - started < 10
    with world(tmp_path) as anew, Watcher(anew.url, program.id, last) as watcher:
        program.go_on_with(anew.process)
        program.epoch(1)
        assert next(watcher.numbered()).id == 3


@pytest.mark.parametrize("visit", ["stays", "leaves"])
def test_a_job_that_has_ended_is_told_once(here: World, visit: str) -> None:
    program = Program(here.process)
    program.finish()
    with Watcher(here.url, program.id) as watcher:
        told = [one.name for one in watcher] if visit == "stays" else []
    if visit == "stays":
        assert told == ["state", "state", "state", "end"]
        assert Watcher(here.url, program.id, 3).answer.status_code == 204
    assert [one.id for one in Watcher(here.url, program.id, 1).numbered()] == [2, 3]


@pytest.mark.parametrize(
    ("job", "header", "status"),
    [("20261126-141530123-9f8e3a1c", "0", 404), ("no-id", "0", 404), ("", "x", 400)],
    ids=["unknown", "no id", "no number"],
)
def test_what_cannot_be_watched_is_answered_in_json(
    here: World, job: str, header: str, status: int
) -> None:
    known = submit(here.process).id
    with Watcher(here.url, job or known, headers={"Last-Event-ID": header}) as watcher:
        assert watcher.answer.status_code == status
        assert "error" in watcher.answer.json()
    assert is_free(here)


def test_a_key_for_one_model_watches_that_model_only(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    limited = bearer(give_key(keys, "limited", "train", models="m"))
    reading = bearer(give_key(keys, "reading", "read"))
    predicting = bearer(give_key(keys, "predicting", "predict"))
    with world(tmp_path, access="keys") as here:
        own, foreign = submit(here.process).id, submit(here.process, "other").id
        asked = [
            (own, limited), (foreign, limited), ("20261126-141530123-9f8e3a1c", limited),
            (foreign, reading), (own, predicting), (own, {}),
        ]  # fmt: skip
        statuses = []
        for job, key in asked:
            with Watcher(here.url, job, headers=key) as watcher:
                statuses.append(watcher.answer.status_code)
        assert statuses == [200, 403, 403, 200, 403, 401]
        wait_until(lambda: is_free(here), "all places are free", 10)


def test_no_page_of_another_origin_reads_what_happens_to_jobs(tmp_path: Path) -> None:
    with world(tmp_path, cors=True) as here:
        program = Program(here.process)
        program.finish()
        page = {"Origin": "http://evil.example"}
        with Watcher(here.url, program.id, headers=page) as watcher:
            assert "access-control-allow-origin" not in watcher.answer.headers
            assert "x-content-type-options" in watcher.answer.headers
        plain = requests.get(f"{here.url}/v1/jobs/{program.id}/events", headers=page, timeout=10)
        assert "access-control-allow-origin" not in plain.headers
        foreign = {"Host": "evil.example"}
        with Watcher(here.url, program.id, headers=foreign) as watcher:
            assert watcher.answer.status_code == 403
