"""How often a key may ask: exact over time, threads, processes and changes of the rate."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.base.rate import Rate, parse_rate
from service.web.access.rates import RateBook

SECOND = 1_000_000_000


class Clock:
    """Nanoseconds that go when they are told to."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> RateBook:
    return RateBook(tmp_path / "rates", clock)


def answered(book: RateBook, name: str, rate: Rate, times: int) -> int:
    return sum(book.take(name, rate) == 0 for _ in range(times))


def test_all_of_a_rate_may_come_at_once_and_then_evenly(book: RateBook, clock: Clock) -> None:
    rate = parse_rate("10/s")

    assert answered(book, "a", rate, 25) == 10
    clock.now += SECOND // 10
    assert answered(book, "a", rate, 5) == 1
    clock.now += SECOND
    assert answered(book, "a", rate, 25) == 10


def test_who_is_refused_is_told_when_to_come_again(book: RateBook, clock: Clock) -> None:
    rate = parse_rate("2/h")
    assert answered(book, "a", rate, 2) == 2

    wait_s = book.take("a", rate)

    assert wait_s == 1800
    clock.now += 1799 * SECOND
    assert book.take("a", rate) == 1
    clock.now += SECOND
    assert book.take("a", rate) == 0


def test_what_is_refused_costs_nothing(book: RateBook, clock: Clock) -> None:
    rate = parse_rate("5/s")
    assert answered(book, "a", rate, 1000) == 5
    clock.now += SECOND
    assert answered(book, "a", rate, 1000) == 5


def test_each_key_has_its_own(book: RateBook) -> None:
    rate = parse_rate("3/m")

    assert [answered(book, f"key-{n}", rate, 5) for n in range(300)] == [3] * 300
    assert [answered(book, f"key-{n}", rate, 5) for n in range(300)] == [0] * 300


def test_a_rate_may_change_while_it_is_used(book: RateBook, clock: Clock) -> None:
    assert answered(book, "a", parse_rate("3600/h"), 3600) == 3600

    assert answered(book, "a", parse_rate("5/s"), 10) == 5
    clock.now += SECOND
    assert answered(book, "a", parse_rate("5/s"), 10) == 5


def test_numbers_of_before_a_restart_of_the_machine_say_nothing(tmp_path: Path) -> None:
    old, new = Clock(), Clock()
    old.now = 10**17
    rate = parse_rate("2/m")
    assert answered(RateBook(tmp_path / "rates", old), "a", rate, 2) == 2

    assert answered(RateBook(tmp_path / "rates", new), "a", rate, 5) == 2


def test_a_name_that_is_idle_gives_its_place_to_others(book: RateBook, clock: Clock) -> None:
    rate = parse_rate("1/s")
    for number in range(20_000):
        clock.now += SECOND
        assert book.take(f"key-{number}", rate) == 0


def test_threads_count_together(book: RateBook) -> None:
    rate, counts = parse_rate("1000/h"), list[int]()
    threads = [
        threading.Thread(target=lambda: counts.append(answered(book, "a", rate, 500)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 1000


PROCESS = """
import sys
from pathlib import Path
from service.base.rate import parse_rate
from service.web.access.rates import RateBook
book = RateBook(Path(sys.argv[1]))
sys.stdin.readline()
print(sum(book.take("a", parse_rate("5000/h")) == 0 for _ in range(4000)))
"""


def test_processes_count_together(tmp_path: Path) -> None:
    place = str(tmp_path / "rates")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]

    # One more comes back each 0.72 s; a worker that waits in vain for the lock counts on its own.
    assert 5000 <= sum(counts) <= 5020


def test_without_room_on_the_disk_each_worker_counts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    books = [RateBook(tmp_path / "rates") for _ in range(2)]

    assert [answered(book, "a", parse_rate("3/h"), 5) for book in books] == [3, 3]


def test_a_process_that_is_stopped_with_the_lock_stops_nobody(tmp_path: Path) -> None:
    import fcntl

    book, rate = RateBook(tmp_path / "rates"), parse_rate("3/h")
    with (tmp_path / "rates").open("rb+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        assert answered(book, "a", rate, 5) == 3
