"""Fifty promotions back and forth under steady load: nobody is failed or gets the old one."""

import time
from collections.abc import Callable
from math import inf

import numpy as np
import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House, Operator, promotion, served
from tests.chaos.load import Load, Question
from tests.chaos.seen import Promotion
from tests.chaos.verdict import backward, failures, stale, wrong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SWAPS = 50
CONNECTIONS = 8
CAPACITY_S = 2.0
QUESTIONS = (Question("m"), Question("m", is_v2=True))


def capacity(port: int) -> float:
    """Answers a second where nobody pauses."""
    with Load(port, QUESTIONS, CONNECTIONS, pause_s=0) as load:
        time.sleep(CAPACITY_S)
        began = time.monotonic() - CAPACITY_S / 2
        good = load.good_since(began)
    return good / (CAPACITY_S / 2)


def settle(load: Load, per_s: float) -> None:
    """Shorten the pauses until so many are answered a second."""
    began = time.monotonic()
    time.sleep(CAPACITY_S / 2)
    measured = load.good_since(began) / (time.monotonic() - began)
    load.pause_s = max(0.0, load.pause_s + CONNECTIONS / per_s - CONNECTIONS / measured)


def test_no_request_fails_and_none_is_answered_by_the_old_version(
    house: House, tell: Callable[[Figures], None]
) -> None:
    house.furnish({"m": {1: 10, 2: 20}})
    history = [Promotion("m", 2, -inf, -inf)]
    with served(house) as service:
        most = capacity(service.port)
        with Load(service.port, QUESTIONS, CONNECTIONS, 2 * CONNECTIONS / most) as load:
            operator = Operator(service)
            settle(load, most / 2)
            took = []
            began = time.monotonic()
            for number in range(SWAPS):
                version = 1 + number % 2
                called = operator.promote("m", version, 3 - version)
                assert called.status == 200, called
                moved = promotion("m", version, called)
                assert moved is not None
                history.append(moved)
                took.append(called.took_s)
                load.wait_for(20)
            ended = time.monotonic()
    errors, old = wrong(load.seen, house.published), stale(load.seen, history)
    during = [each for each in load.seen if each.sent >= began]
    back = backward(load.seen, history[1:])
    tell(
        figures_of(
            "50 promotions under load", load.seen, len(errors) + len(old),
            old_version_after_a_promotion=len(old), from_new_back_to_old=len(back),
            load_of_capacity=f"{len(during) / (ended - began) / most:.0%}",
            promotion=f"{np.median(took) * 1e3:.0f} ms, at most {max(took) * 1e3:.0f} ms",
        )
    )  # fmt: skip
    assert errors == []
    assert old == []
    assert back == []
    assert failures(load.seen) == {}
