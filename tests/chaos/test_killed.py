"""Each process killed in turn, at random moments, while requests are under way."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House, served, wait_state
from tests.chaos.load import Load, Question
from tests.chaos.seen import DIED, REFUSED, Published, Seen
from tests.chaos.verdict import lost_elsewhere, outside, recovered_s, wrong
from tests.chaos.victims import VICTIMS, busiest, kill, masters
from tests.running import RunningService, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GRACE_S = 30.0
MOST_CHILDREN = 3  # a child that dies more often is given up, and rightly so


class Killing:
    """Kills one victim after the other and waits each time until everybody is back."""

    def __init__(
        self, service: RunningService, house: House, load: Load, draw: random.Random
    ) -> None:
        self._service, self._house, self._load, self._draw = service, house, load, draw
        self.deaths: list[tuple[str, float, float]] = []
        self._versions = 1

    def go_on(self, seconds: float) -> None:
        """Each kind once in a random order, then any."""
        deadline = time.monotonic() + seconds
        kinds = self._draw.sample(sorted(VICTIMS), len(VICTIMS))
        while kinds or time.monotonic() < deadline:
            kind = kinds.pop() if kinds else self._draw.choice(sorted(VICTIMS))
            if kind != "child" or self._count("child") < MOST_CHILDREN:
                self._kill(kind)

    def windows(self, *kinds: str) -> list[tuple[float, float]]:
        """From each death of these kinds to the moment when everybody was back."""
        return [(began, ended) for kind, began, ended in self.deaths if kind in kinds]

    def _kill(self, kind: str) -> None:
        time.sleep(self._draw.uniform(0.1, 0.8))
        if kind == "child":
            self._versions += 1
            self._house.publish("late", self._versions, 100 + self._versions, is_compiled=False)
        find = VICTIMS[kind]
        wait_until(lambda: bool(find(self._service)), f"a {kind} to kill", 60)
        before = set(find(self._service))
        victim = busiest(self._service) if kind == "worker" else min(before)
        died = time.monotonic()
        assert kill(victim), f"the {kind} ended by itself"
        wait_until(
            lambda: len(set(find(self._service)) - {victim}) >= len(before), f"a new {kind}", 60
        )
        wait_until(self._is_whole, f"all back after the {kind}", 60)
        self._load.wait_for(40)
        if kind == "child":
            wait_state(self._service, "late", self._versions, "READY")
        self.deaths.append((kind, died, time.monotonic()))

    def _is_whole(self) -> bool:
        service = self._service
        alive = len(service.workers()) == 2 and masters(service) and VICTIMS["controller"](service)
        recent = [each for each in self._load.seen[-400:] if each.model == "strings"][-4:]
        return bool(alive) and service.is_ready() and all(each.is_good for each in recent)

    def _count(self, kind: str) -> int:
        return sum(death[0] == kind for death in self.deaths)


def test_only_what_died_with_its_worker_is_lost(
    house: House, unconvertible: Path, chaos_seconds: float, seed: int,
    tell: Callable[[Figures], None],
) -> None:  # fmt: skip
    house.furnish({"m": {1: 10, 2: 20}, "late": {1: 101}})
    shutil.copytree(unconvertible / "model", house.repository / "strings" / "1")
    shutil.copytree(
        unconvertible / "state" / "compiled", house.state_dir / "compiled", dirs_exist_ok=True
    )
    house.published.append(Published("strings", 1, 7))
    questions = [Question("m"), Question("m", 2), Question("late"), Question("m", is_v2=True)]
    with served(house) as service, Load(service.port, [*questions, Question("strings")]) as load:
        killing = Killing(service, house, load, random.Random(seed))
        load.wait_for(100)
        killing.go_on(chaos_seconds)
    errors = wrong(load.seen, house.published)
    waits = {kind: recovery(load.seen, killing, kind) for kind in VICTIMS}
    print("".join(f"{kind} after {', '.join(map(str, times))}\n" for kind, times in waits.items()))
    longest = {kind: max(times) for kind, times in waits.items()}
    tell(
        figures_of(
            "each process killed", load.seen, len(errors), max(longest.values()),
            killed=", ".join(f"{kind} {len(times)}" for kind, times in waits.items()),
            recovered=", ".join(f"{kind} {wait:.2f} s" for kind, wait in longest.items()),
        )
    )  # fmt: skip
    assert errors == []
    assert lost_elsewhere(load.seen) == []
    assert unexplained(load.seen, killing) == []


def recovery(seen: list[Seen], killing: Killing, kind: str) -> list[float]:
    """How long each death of a kind was felt, by those who need what died."""
    if kind not in ("tensorflow", "controller"):  # whose child the TensorFlow runtime is
        seen = [each for each in seen if each.model != "strings"]
    waits = [recovered_s(seen, died, until) for died, until in killing.windows(kind)]
    return [GRACE_S if wait is None else round(wait, 3) for wait in waits]


def unexplained(seen: list[Seen], killing: Killing) -> list[Seen]:
    """Failures that no death of the right kind explains."""
    died = [each for each in seen if each.kind == DIED]
    refused = [each for each in seen if each.kind == REFUSED]
    others = [each for each in seen if not each.is_good and each.kind not in (DIED, REFUSED)]
    lost = [each for each in others if each.model != "strings" or each.status != 503]
    away = [each for each in others if each.model == "strings" and each.status == 503]
    return [
        *outside(died, killing.windows("worker", "master")),
        *outside(refused, killing.windows("master")),
        *outside(away, killing.windows("tensorflow", "worker", "master", "controller")),
        *lost,
    ]
