"""Retrains whose processes are killed at random moments, and whose disk is full: none of it may be
seen in what they come to, and nobody who asks for predictions may notice.

The jobs' folder is a small disk of its own, so that it can be filled up.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import requests

from benchmarks.scaled import Scaled
from service.base.aside import PART
from service.controller.housekeeping import FIRST_AFTER_S
from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House
from tests.chaos.load import Load, Question
from tests.chaos.medium import Disk, small_disk
from tests.chaos.retrains import (
    CONFIG,
    ENDED,
    EPOCHS,
    MODEL,
    Outcome,
    Retrains,
    faults,
    half_published,
)
from tests.chaos.seen import OK
from tests.chaos.verdict import failures, outside, recovered_s, wrong
from tests.chaos.victims import VICTIMS, kill
from tests.making import make
from tests.running import RunningService, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DISK_MB = 64
KILLS, ALL_KILLS = 5, 20
WAITS_S = {"beginning": 6.0, "epoch": 0.5, "end": 2.5}  # at most, before the kill
TIDY_S = FIRST_AFTER_S + 30
LONG = 5000  # epochs of a job that isn't to end by itself
SETTINGS = {"job_attempts": "100", "poll_s": "0.2"}  # many are killed before they have done much
EVERYTHING = "everything"


@dataclass(slots=True)
class Shop:
    """A service that may be killed and started anew, where jobs retrain `cells`."""

    house: House
    disk: Disk
    service: RunningService
    retrains: Retrains
    undisturbed: Outcome | None = None
    jobs: list[str] = field(default_factory=list)

    def reboot(self) -> None:
        """End all processes at once, then start anew on the same port."""
        old = self.service
        for pid in old.pids(""):
            kill(pid)
        old.process.wait()
        port = {"port": str(old.port)}
        self.service = RunningService(self.house.repository, old.state_dir, **SETTINGS, **port)
        self.service.port, self.service.url = old.port, old.url
        self.retrains.service = self.service
        self.service.wait_ready()

    def check(self, job: str) -> None:
        """It has ended as if nothing had been."""
        assert self.retrains.outcome(job) == self.undisturbed
        assert faults(self.retrains.events(job)) == []
        self.jobs.append(job)
        assert half_published(self.house.repository, self.jobs) == []
        folder = self.service.state_dir / "jobs" / job
        # Where the controller was killed at the end, the next one tidies up when it keeps house.
        wait_until(lambda: not any(folder.rglob("attempt-*")), "scratch folders are gone", TIDY_S)
        wait_until(lambda: not any(folder.rglob(f"{PART}*")), "nothing is half written", TIDY_S)


@pytest.fixture(scope="module")
def shop(scaled: Scaled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """After one job that nobody has disturbed."""
    folder = tmp_path_factory.mktemp("retrains")
    house = House(scaled, folder / "repository", folder / "state")
    file = house.repository / MODEL / "1" / "model.h5"
    make("make_cells", file)
    house.configure(MODEL, CONFIG)
    house.furnish({"m": {1: 10}})
    with small_disk(house.state_dir / "jobs", DISK_MB) as disk:
        service = RunningService(house.repository, house.state_dir, **SETTINGS)
        shop = Shop(house, disk, service, Retrains(service))
        try:
            service.wait_ready()
            shop.retrains.send_rows()
            job = shop.retrains.ask()
            shop.retrains.wait_ended(job)
            shop.undisturbed = shop.retrains.outcome(job)
            shop.check(job)
            yield shop
        finally:
            if shop.service.process.poll() is None:
                shop.service.stop()


@pytest.mark.parametrize(
    "kills", [KILLS, pytest.param(ALL_KILLS, marks=pytest.mark.full)], ids=["few", "all"]
)
def test_whatever_is_killed_each_job_ends_as_the_undisturbed_one(
    shop: Shop, kills: int, seed: int, tell: Callable[[Figures], None]
) -> None:
    """The program of the job and the controller by turns, and once everything, as by a reboot."""
    draw = random.Random(seed)
    victims = [("program", "controller")[number % 2] for number in range(kills)]
    victims[kills // 2] = EVERYTHING
    before, reboots, attempts = len(shop.jobs), [], 0
    with Load(shop.service.port, [Question("m")], 4, pause_s=0.05) as load:
        while victims:
            job = shop.retrains.ask()
            while victims and _comes_to_its_turn(shop, job, draw):
                began = time.monotonic()
                if not _kill(shop, victims[0]):
                    continue  # nobody is there to be killed: at another moment
                if victims.pop(0) == EVERYTHING:
                    reboots.append((began, time.monotonic()))
            shop.retrains.wait_ended(job)
            attempts += shop.retrains.job(job)["attempt"]
            shop.check(job)
        load.wait_for(20)
    errors = wrong(load.seen, shop.house.published)
    jobs = len(shop.jobs) - before
    told = {"jobs": jobs, "attempts": attempts, "same weights": jobs, "versions": jobs}
    recovered = recovered_s(load.seen, reboots[0][0])
    tell(figures_of(f"{kills} kills while retraining", load.seen, len(errors), recovered, **told))
    assert errors == []
    assert outside(load.seen, reboots) == []
    assert attempts > jobs


def _comes_to_its_turn(shop: Shop, job: str, draw: random.Random) -> bool:
    """Wait for a moment at the beginning, in an epoch, or at the end; false if the job ends first.

    However busy the machine is, each of them is met about as often.
    """
    at = draw.choice(("beginning", "epoch", "epoch", "end"))
    wait_s = draw.uniform(0.0, WAITS_S[at])
    epoch = len(shop.retrains.job(job)["epochs"]) + draw.randint(1, EPOCHS // 2)

    def is_there() -> bool:
        record = shop.retrains.job(job)
        if record["state"] in (*ENDED, "EVALUATING"):
            return True
        is_far = len(record["epochs"]) >= epoch if at == "epoch" else at == "beginning"
        return is_far and bool(shop.retrains.programs())

    wait_until(is_there, f"the {at} of the job", 240)
    time.sleep(wait_s)
    return not shop.retrains.is_ended(job)


def _kill(shop: Shop, victim: str) -> bool:
    """False if there was no program: it has ended by itself, or the next attempt hasn't begun."""
    if victim == "program":
        return any(kill(pid) for pid in shop.retrains.programs()[:1])
    if victim == EVERYTHING:
        shop.reboot()
        return True
    find = VICTIMS["controller"]
    (controller,) = find(shop.service)
    killed = kill(controller)
    wait_until(lambda: find(shop.service) not in ([], [controller]), "a new controller", 60)
    return killed


def _is_ended_by_full_disk(shop: Shop, job: str) -> bool:
    """Fill it again and again: the job gives room back, of backups that it needs no more."""
    shop.disk.fill()
    return shop.retrains.is_ended(job)


def test_a_full_disk_fails_the_job_and_nothing_else(
    shop: Shop, tell: Callable[[Figures], None]
) -> None:
    versions = shop.service.states()
    with Load(shop.service.port, [Question("m")], 4, pause_s=0.05) as load:
        job = shop.retrains.ask(LONG)
        wait_until(lambda: len(shop.retrains.job(job)["epochs"]) > 2, "it is in the middle", 120)
        began = time.monotonic()
        wait_until(lambda: _is_ended_by_full_disk(shop, job), "the job has ended", 120)
        failed = shop.retrains.job(job)
        second = shop.retrains.wait_ended(shop.retrains.ask())
        load.wait_for(100)
        full_s = time.monotonic() - began
        assert shop.service.states() == versions
        shop.disk.empty()
        following = shop.retrains.ask()
        shop.retrains.wait_ended(following)
        load.wait_for(20)
    shop.check(following)
    errors = wrong(load.seen, shop.house.published)
    tell(
        figures_of(
            "disk full while retraining", load.seen, len(errors), recovered_s(load.seen, began),
            full_for=f"{full_s:.0f} s", then="published",
        )
    )  # fmt: skip
    for ended in (failed, second):
        assert ended["state"] == "FAILED"
        assert "room" in ended["error"], ended["error"]
        assert ended["attempt"] == 1
    assert errors == []
    assert failures(load.seen) == {}
    assert requests.get(f"{shop.service.url}/readyz", timeout=10).status_code == OK
