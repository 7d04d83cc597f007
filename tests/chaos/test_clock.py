"""The wall clock of one process an hour ahead of the others, then an hour behind them."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.halves import Clock, Halves, halves
from tests.chaos.house import Called, House, Operator
from tests.chaos.load import Load, Question
from tests.chaos.seen import Seen
from tests.chaos.verdict import failures, wrong
from tests.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOUR_S = 3600
SOON_S = 20.0


def test_the_clock_is_set_for_whoever_has_it(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    clock.set(HOUR_S)
    code = "import time; print(time.time(), time.monotonic())"
    told = subprocess.check_output([sys.executable, "-c", code], env=clock.environment())
    wall, monotonic = map(float, told.split())
    assert wall - time.time() == pytest.approx(HOUR_S, abs=30)
    assert monotonic == pytest.approx(time.monotonic(), abs=30)


class Trial:
    """Publishes and promotes under load, while one half's clock is another."""

    def __init__(self, house: House, service: Halves) -> None:
        self._house, self._service = house, service
        self._operator = Operator(service)
        self.seen: list[Seen] = []
        self.called: list[Called] = []

    def go_on(self, version: int, set_clock: Callable[[], None]) -> None:
        """Set the clock under load; a new version has to be found, promoted and answer soon."""
        with Load(self._service.port, [Question("m")]) as load:
            load.wait_for(100)
            set_clock()
            load.wait_for(100)
            self._house.publish("m", version, version * 10)
            self.called.append(self._operator.promote("m", 1))
            path = f"/v1/models/m/versions/{version}:promote"
            wait_until(lambda: self._operator.post(path).status == 200, path, SOON_S)
            load.wait_for(100)
            assert self._operator.current("m") == version
        self.seen += load.seen
        assert self._service.is_ready()


def test_the_controller_s_clock_goes_an_hour_ahead_and_behind(
    house: House, tmp_path: Path, tell: Callable[[Figures], None]
) -> None:
    """For whoever works beside it that is as if their own clocks were set."""
    house.furnish({"m": {1: 10, 2: 20}})
    clock = Clock(tmp_path / "clock")
    with halves(house, clock) as service:
        trial = Trial(house, service)
        for version, ahead_s in ((3, HOUR_S), (4, -HOUR_S), (5, 0)):
            trial.go_on(version, lambda ahead_s=ahead_s: clock.set(ahead_s))  # type: ignore[misc]
    errors = wrong(trial.seen, house.published)
    calls = ", ".join(f"{each.status} after {each.took_s:.1f} s" for each in trial.called)
    tell(figures_of("the clock set", trial.seen, len(errors), 0.0, promotions=calls))
    assert errors == []
    assert failures(trial.seen) == {}
    assert {each.status for each in trial.called} == {200}
