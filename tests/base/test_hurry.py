"""Who never finishes an answer holds up nobody, and is asked nothing else meanwhile."""

import threading

import pytest

from service.base.hurry import Hurry


def test_an_answer_and_a_failure_come_through() -> None:
    hurry: Hurry[int] = Hurry("test")

    assert hurry.ask(lambda: 7, 10) == 7
    with pytest.raises(ZeroDivisionError):
        hurry.ask(lambda: 1 // 0, 10)
    assert hurry.ask(lambda: 8, 10) == 8


def test_one_that_never_ends_is_left_behind_and_nothing_is_asked_beside_it() -> None:
    hurry: Hurry[bool] = Hurry("test")
    over = threading.Event()
    asked: list[bool] = []

    def remember() -> bool:
        asked.append(True)
        return True

    with pytest.raises(TimeoutError, match=r"no whole answer within 0\.05 seconds"):
        hurry.ask(lambda: over.wait(30), 0.05)
    with pytest.raises(TimeoutError, match="an earlier question"):
        hurry.ask(remember, 10)
    assert not asked

    over.set()
    for thread in threading.enumerate():
        if thread.name == "test":
            thread.join(10)
    assert hurry.ask(remember, 10)
