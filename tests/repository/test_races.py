"""Promotions at once, from real threads over one database file: one wins, and that is written."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.promotion import Promotions
from service.repository.route import Route
from tests.repository.crew import ALWAYS, FIRST, SECOND, Crew

ROUNDS = 60


class BusyCrew(Crew):
    """Two workers that follow in a thread of their own as quickly as they can."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store.change("m", lambda route: replace(route, current=1, is_pinned=True))
        self.follow()  # they report themselves before the first look of the thread
        self.stopping = threading.Event()
        self.failures: list[Exception] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopping.wait(0.001):
            try:
                self.follow()
            except Exception as error:
                self.failures.append(error)
                return

    def close(self) -> None:
        self.stopping.set()
        self.thread.join()
        self.engine.dispose()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[BusyCrew]:
    crew = BusyCrew(tmp_path)
    yield crew
    crew.close()
    assert crew.failures == []


def promotions(crew: Crew) -> Promotions:
    return Promotions(crew.store, crew.tell, pause=lambda _: None)


def attempt(crew: Crew, version: int, order: Order) -> str:
    try:
        promotions(crew).promote("m", version, order)
    except Conflict as error:
        return str(error)
    return ""


def test_of_two_promotions_with_the_same_expectation_one_wins(crew: BusyCrew) -> None:
    winners: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            current = crew.current()
            assert current is not None
            others = [version for version in (1, 2, 3) if version != current]
            orders = [Order(f"to {version}", expected_current=current) for version in others]
            answers = list(threads.map(attempt, [crew, crew], others, orders))

            assert sorted(map(bool, answers)) == [False, True], answers
            (won,) = (
                version for version, answer in zip(others, answers, strict=True) if not answer
            )
            (lost,) = filter(None, answers)
            assert f"is version {won}, expected version {current}" in lost
            assert crew.current() == won
            winners.append((current, won))

    told = [(one.before["current"], one.after["current"]) for one in crew.store.audit(limit=1000)]
    assert told[::-1] == winners
    assert [one.who for one in crew.store.audit(limit=1000)][::-1] == [
        f"to {w}" for _, w in winners
    ]
    assert crew.store.route("m").preparing == ()


def test_after_an_answer_no_worker_holds_an_earlier_revision(crew: BusyCrew) -> None:
    def promote(version: int) -> None:
        promoted = promotions(crew).promote("m", version, Order("ann"))
        for worker in crew.store.workers("m"):
            assert worker.seen["m"] >= promoted.revision

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(promote, [1, 2, 3] * 10))

    told = crew.store.audit(limit=1000)
    assert len(told) == 30
    for earlier, later in zip(told[1:], told, strict=False):
        assert earlier.after["current"] == later.before["current"], "no change was lost"
    assert crew.store.route("m").preparing == ()
    assert {worker.worker for worker in crew.store.workers()} == {FIRST, SECOND}


def test_rollbacks_at_once_go_back_one_step_each(crew: BusyCrew) -> None:
    crew.store.change("m", lambda route: replace(route, current=3, previous=(2, 1)))

    def roll_back(_: int) -> int:
        try:
            return promotions(crew).rollback("m", Order("ann")).version
        except Conflict:
            return 0

    with ThreadPoolExecutor(3) as threads:
        went = sorted(filter(None, threads.map(roll_back, range(3))))

    route: Route = crew.store.route("m")
    assert went in ([2], [1, 2])
    assert route.current == min(went)
    assert len(crew.store.audit()) == len(went)
    assert all(worker.beat == ALWAYS for worker in crew.store.workers())
