"""Threads hand over in order, wait for each other, and end together, whichever of them fails."""

import itertools
import threading
from collections.abc import Iterable, Iterator

import pytest

from service.training.batch.pipeline import WAITING, in_order, read_ahead, written_behind


class Broken(Exception):
    """One stage has failed."""


def numbers(fails_at: int = -1) -> Iterator[int]:
    for number in range(100):
        if number == fails_at:
            raise Broken
        yield number


def test_what_is_read_ahead_comes_in_order() -> None:
    with read_ahead(numbers()) as items:
        assert list(items) == list(range(100))


def test_a_reader_is_only_so_far_ahead() -> None:
    made = itertools.count()
    with read_ahead(made) as items:
        assert [next(items) for _ in range(3)] == [0, 1, 2]
    assert next(made) <= 3 + WAITING + 1
    assert "reader" not in [thread.name for thread in threading.enumerate()]


def test_a_reader_s_error_comes_after_what_it_read() -> None:
    with read_ahead(numbers(5)) as items:
        assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(Broken):
            next(items)


def test_all_is_written_before_the_end() -> None:
    written: list[int] = []
    with written_behind(written.append) as write:
        for number in range(100):
            write(number)
    assert written == list(range(100))


def test_a_writer_s_error_ends_who_gives_to_it() -> None:
    def fail(number: int) -> None:
        if number == 3:
            raise Broken

    def give(numbers: Iterable[int]) -> None:
        with written_behind(fail) as write:
            for number in numbers:
                write(number)

    with pytest.raises(Broken):
        give(itertools.count())
    with pytest.raises(Broken):
        give([3])


def test_who_gives_up_does_not_wait_for_the_writer() -> None:
    going = threading.Event()

    def give() -> None:
        with written_behind(lambda _: going.wait(5)) as write:
            write(1)
            going.set()
            raise Broken

    with pytest.raises(Broken):
        give()


@pytest.mark.parametrize("threads", [1, 4])
def test_work_is_answered_in_the_order_of_the_items(threads: int) -> None:
    assert list(in_order(numbers(), lambda n: n * 2, threads)) == [n * 2 for n in range(100)]


def test_an_error_of_the_work_comes_at_its_place() -> None:
    def work(number: int) -> int:
        if number == 4:
            raise Broken
        return number

    made = in_order(numbers(), work, 2)
    assert [next(made) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(Broken):
        next(made)
