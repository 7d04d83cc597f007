"""Numbers that wait to be counted: as they were told, in either kind of decisions."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from service.repository.decisions import Chosen, Decided
from service.web.gathered import Gathered, Seconds

ONE: Seconds = (1.0, 2.0, 3.0, 4.0, 10.0)
NONE: Seconds = (0.0, 0.0, 0.0, 0.0, 0.0)


def decided(*classes: int, dtype: str = "float32") -> Decided:
    index = np.array(classes)
    return Decided(index, (index / 10).astype(dtype))


def test_what_was_told_is_taken_once() -> None:
    gathered = Gathered()
    first = [
        gathered.add(2, decided(3, 1), ONE),
        gathered.add(1, None, NONE),
        gathered.add(1, decided(7), ONE),
    ]
    taken = gathered.take()
    assert first == [True, False, False]
    assert taken.rows.tolist() == [2, 1, 1]
    assert taken.seconds.tolist() == [list(ONE), list(NONE), list(ONE)]
    assert taken.classes.tolist() == [3, 1, 7]
    np.testing.assert_array_equal(taken.scores, np.array([0.3, 0.1, 0.7], "float32"))
    assert len(gathered.take().rows) == 0
    assert gathered.add(1, None, NONE)


def test_scores_keep_their_type() -> None:
    for dtype in ("float16", "float64"):
        gathered = Gathered()
        gathered.add(1, decided(5, dtype=dtype), ONE)
        assert gathered.take().scores.dtype == dtype


def test_of_several_labels_each_that_was_chosen_is_told() -> None:
    gathered = Gathered()
    chosen = np.array([[True, False, True], [False, False, False], [False, True, True]])
    gathered.add(3, Chosen(chosen, chosen.astype("float32")), ONE)
    taken = gathered.take()
    assert taken.classes.tolist() == [0, 2, 1, 2]
    assert taken.scores.tolist() == []


def test_threads_lose_nothing() -> None:
    gathered = Gathered()
    taken: list[int] = []

    def work(number: int) -> None:
        gathered.add(1, decided(number), ONE)
        if number % 10 == 0:
            taken.extend(gathered.take().classes.tolist())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(1000)))
    assert sorted(taken + gathered.take().classes.tolist()) == list(range(1000))
