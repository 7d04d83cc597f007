"""Requests at a steady pace: as many as are due, each told by its answer."""

import time

from benchmarks.dialects import Request
from benchmarks.steady import FAILED, OTHER, Steady, Told, percentile_ms
from tests.benchmarks.small_server import serving
from tests.running import wait_until

REQUEST = Request("/predict", b"{}")


def test_every_answer_is_told_by_its_body() -> None:
    bodies = [(200, b"one"), (200, b"two"), (200, b"?"), (503, b"one")]
    with (
        serving(lambda number, _body: bodies[number % 4]) as port,
        Steady(port, REQUEST, {b"one": "1", b"two": "2"}, 400, 2) as steady,
    ):
        wait_until(lambda: len(steady.told) >= 40, "40 answers")
    said = [each.said for each in steady.told]
    assert {"1", "2", OTHER, FAILED} == set(said)
    assert abs(said.count("1") - said.count("2")) <= 1


def test_the_pace_is_kept_though_answers_are_slow() -> None:
    def slow(_number: int, _body: bytes) -> tuple[int, bytes]:
        time.sleep(0.02)
        return 200, b"one"

    with serving(slow) as port, Steady(port, REQUEST, {b"one": "1"}, 200, 1) as steady:
        wait_until(lambda: len(steady.told) >= 10, "10 answers")
    gaps = [later.due - each.due for each, later in zip(steady.told, steady.told[1:], strict=False)]
    assert max(gaps) < 0.0051  # due every 5 ms, whatever became of the one before
    assert steady.told[-1].took_s > 5 * steady.told[0].took_s  # the queue is in the time


def test_without_a_rate_it_asks_as_fast_as_it_is_answered() -> None:
    with (
        serving(lambda _number, _body: (200, b"one")) as port,
        Steady(port, REQUEST, {b"one": "1"}, 0, 2) as steady,
    ):
        wait_until(lambda: len(steady.told) >= 50, "50 answers")
    assert {each.said for each in steady.told} == {"1"}


def test_percentiles_are_in_milliseconds() -> None:
    assert percentile_ms([Told(0, 0.001, "1"), Told(0, 0.003, "1")], 50) == 2.0
    assert percentile_ms([], 99) == 0.0
