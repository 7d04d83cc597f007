"""Housekeeping: hourly, in a thread, and never in anybody's way."""

import logging
import threading

import pytest

from service.controller.housekeeping import EVERY_S, FIRST_AFTER_S, Housekeeping


def wait_for_the_round() -> None:
    for thread in threading.enumerate():
        if thread.name == "housekeeping":
            thread.join(30)


def test_a_round_is_run_a_minute_after_the_start_and_then_every_hour() -> None:
    rounds: list[int] = []
    keeping = Housekeeping({"count": lambda: rounds.append(1)})
    counts = []

    for now in (0.0, FIRST_AFTER_S - 1, FIRST_AFTER_S, FIRST_AFTER_S + EVERY_S - 1,
                FIRST_AFTER_S + EVERY_S):  # fmt: skip
        keeping.step(now)
        wait_for_the_round()
        counts.append(len(rounds))

    assert counts == [0, 0, 1, 1, 2]


def test_a_step_waits_for_no_task_and_begins_no_second_round() -> None:
    go_on = threading.Event()
    begun: list[int] = []

    def wait() -> None:
        begun.append(1)
        go_on.wait(30)

    keeping = Housekeeping({"slow": wait})

    for now in (0.0, FIRST_AFTER_S, 10 * EVERY_S, 20 * EVERY_S):
        keeping.step(now)
    go_on.set()
    wait_for_the_round()

    assert begun == [1]


def test_a_task_that_fails_keeps_no_other_one_from_its_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError("full")

    with caplog.at_level(logging.ERROR):
        Housekeeping({"broken": fail, "sound": lambda: done.append("sound")}).run()

    assert done == ["sound"]
    assert caplog.messages == ["housekeeping failed"]
