"""A worker that stands still: for ten seconds, and for so long that gunicorn replaces it."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House, Operator, promotion, served
from tests.chaos.load import Load, Question
from tests.chaos.seen import DIED, LATE, Promotion
from tests.chaos.verdict import failures, recovered_s, slowest_s, stale, wrong
from tests.chaos.victims import busiest, kill, quietest
from tests.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STILL_S = 10.0
REPLACED_S = 90.0
FIRST = Promotion("m", 2, -inf, -inf)


def test_ten_seconds_cost_nobody_an_answer(house: House, tell: Callable[[Figures], None]) -> None:
    """A promotion meanwhile isn't acknowledged before the worker has followed."""
    house.furnish({"m": {1: 10, 2: 20}})
    with served(house) as service, Load(service.port, [Question("m")]) as load:
        load.wait_for(200)
        stopped = time.monotonic()
        victim = quietest(service)
        kill(victim, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as aside:
            calling = aside.submit(Operator(service).promote, "m", 1)
            load.wait_for(500, "good answers of the other worker", STILL_S)
            time.sleep(max(0.0, stopped + STILL_S - time.monotonic()))
            kill(victim, signal.SIGCONT)
            resumed = time.monotonic()
            called = calling.result()
        load.wait_for(200)
    errors = wrong(load.seen, house.published)
    moved = promotion("m", 1, called)
    tell(
        figures_of(
            "a worker stopped for 10 s", load.seen, len(errors),
            recovered_s(load.seen, stopped),
            slowest_answer=f"{slowest_s(load.seen, stopped - 1, resumed):.1f} s",
            promotion_acknowledged_after=f"{called.took_s:.1f} s",
        )
    )  # fmt: skip
    assert errors == []
    assert failures(load.seen) == {}
    assert (called.status, called.ended > resumed) == (200, True), called
    assert moved is not None
    assert stale(load.seen, [FIRST, moved]) == []


@pytest.mark.full
def test_one_that_never_goes_on_is_replaced(house: House, tell: Callable[[Figures], None]) -> None:
    """It takes gunicorn's whole patience of 60 seconds, so only the full run waits for it."""
    house.furnish({"m": {1: 10, 2: 20}})
    with served(house) as service, Load(service.port, [Question("m")]) as load:
        load.wait_for(200)
        victim = busiest(service)
        stopped = time.monotonic()
        kill(victim, signal.SIGSTOP)
        called = Operator(service).promote("m", 1)
        wait_until(lambda: victim not in service.workers(), "the end of it", REPLACED_S)
        replaced = time.monotonic()
        wait_until(lambda: len(service.workers()) == 2, "two workers")
        load.wait_for(500)
    errors = wrong(load.seen, house.published)
    tell(
        figures_of(
            "a worker stopped for good", load.seen, len(errors),
            recovered_s(load.seen, stopped),
            replaced_after=f"{replaced - stopped:.0f} s",
            promotion_meanwhile=f"{called.status} after {called.took_s:.0f} s",
        )
    )  # fmt: skip
    assert errors == []
    assert set(failures(load.seen)) <= {DIED, LATE}
    assert called.status == 504, called
