"""A node that runs a retrain dies, another is cut off: each job goes on elsewhere and ends once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.jobs.job import Job, JobOrder, JobState, Kind
from service.repository.manifest import read_provenance
from service.repository.policy import current_of, settle
from tests.ray.cluster import Cluster, running_cluster
from tests.running import processes, wait_until
from tests.training.retraining import MODEL, Shop, open_shop

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

ENOUGH_S = 240.0
EPOCHS = 40  # some seconds to stop the first one in
KILLED, CUT, CALM = "killed", "cut", "calm"  # three models, one retrain each
REQUEST: dict[str, Any] = {
    "data": {"file": "cells.csv"},
    "init": {"version": 1},
    "fit": {"epochs": EPOCHS, "seed": 5, "batch_size": 1},
    "gate": {"max_latency_ratio": None, "min_gain": -1.0},
    "promote": "auto",
}


@dataclass
class House:
    """A service whose jobs run on the cluster's nodes; all of them see its folders."""

    shop: Shop
    cluster: Cluster
    service: subprocess.Popen[bytes]
    jobs: dict[str, str] = field(default_factory=dict)

    def ask(self, model: str, promote: str = "auto") -> str:
        order = JobOrder(Kind.RETRAIN, model, {**REQUEST, "promote": promote}, by="ada")
        self.jobs[model] = self.shop.jobs.submit(order, time.time()).id
        return self.jobs[model]

    def wait(self, claim: Callable[[], bool], what: str) -> None:
        def alive() -> bool:
            assert self.service.poll() is None
            return claim()

        wait_until(alive, what, ENOUGH_S)

    def job(self, model: str) -> Job:
        return self.shop.jobs.get(self.jobs[model])

    def folder(self, model: str) -> Path:
        return self.shop.settings.jobs_dir / self.jobs[model]

    def bodies(self, model: str, kind: str) -> list[Mapping[str, Any]]:
        """What the events of a kind say, in their order."""
        return [one.body for one in self.shop.jobs.events(self.jobs[model]) if one.kind == kind]

    def pid(self, model: str, attempt: int) -> int | None:
        """The program of an attempt, on whichever node it runs."""
        needle = f"-m service.training.run {self.jobs[model]} {attempt} "
        return next((pid for pid, _, line in processes() if line.endswith(needle)), None)

    def send_signal(self, model: str, number: signal.Signals) -> None:
        """Send a signal to the program of a first attempt, on whichever node it runs."""
        pid = self.pid(model, 1)
        assert pid is not None
        os.kill(pid, number)

    def leftovers(self, model: str) -> list[Path]:
        """Scratch folders of its attempts."""
        return list(self.folder(model).glob("attempt-*"))

    def versions(self, model: str) -> list[str]:
        repository = self.shop.settings.repository
        return sorted(path.name for path in (repository / model).iterdir() if path.is_dir())

    def current(self, model: str) -> int | None:
        rows = self.shop.place.versions.rows(model)
        return current_of(settle(rows, {model: self.shop.place.versions.route(model)}))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A service and a cluster of a head without room for jobs and one node with room for one."""
    with running_cluster() as cluster:
        shop = open_shop(tmp_path_factory.mktemp("shop"))
        models = shop.settings.repository
        for model in (KILLED, CUT, CALM):
            shutil.copytree(models / MODEL, models / model)
        cluster.head.wait_ready()
        service = serve(shop, cluster)
        try:
            yield House(shop, cluster, service)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(60)


def serve(shop: Shop, cluster: Cluster) -> subprocess.Popen[bytes]:
    settings = {
        "executor": "ray", "ray_address": cluster.url, "ray_token": cluster.token,
        "state_dir": shop.settings.state_dir, "data_dir": shop.settings.data_dir, "workers": 1,
        "jobs_at_once": 3, "job_threads": 1, "poll_s": 0.2,
    }  # fmt: skip
    environment = {f"KERASD_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "service.cli.main", "serve", str(shop.settings.repository)]
    with shop.settings.state_dir.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            cluster.head.joined(*command),
            env={**os.environ, **environment}, stdout=log, stderr=log,
        )  # fmt: skip


@pytest.fixture(scope="module")
def after(house: House) -> House:
    """The house when all has happened; at once, for most of it is waiting."""
    doomed = house.cluster.add(KILLED, processors=1)
    house.ask(KILLED)
    house.wait(lambda: len(house.bodies(KILLED, "epoch")) >= 3, "the first learns")
    house.send_signal(KILLED, signal.SIGSTOP)  # it learns nothing more while another node comes
    lonely = house.cluster.add(CUT, processors=1)
    house.ask(CUT)
    house.wait(lambda: house.pid(CUT, 1) is not None, "the second has begun")
    doomed.kill()
    house.cluster.add("third", processors=3)
    house.wait((house.folder(CUT) / "candidate").exists, "the second has learnt all")
    house.send_signal(CUT, signal.SIGSTOP)
    house.cluster.cut(lonely)
    house.wait(lambda: house.pid(CUT, 2) is not None, "the second has begun anew")
    house.send_signal(CUT, signal.SIGCONT)
    house.wait(lambda: house.pid(CUT, 1) is None, "who was cut off gives up")
    house.wait(lambda: house.job(KILLED).attempt == 2, "the first has begun anew")
    house.ask(CALM, promote="never")  # now that Ray gives nothing more to a node that is gone
    house.wait(lambda: all(house.job(model).is_ended for model in house.jobs), "all end")
    house.wait(lambda: not any(map(house.leftovers, house.jobs)), "all is cleaned up")
    return house


def learnt(house: House, model: str) -> dict[str, np.ndarray]:
    """The weights that a job came to."""
    found: dict[str, np.ndarray] = {}

    def note(name: str, one: object) -> None:
        if isinstance(one, h5py.Dataset):
            found[name] = one[()]

    with h5py.File(house.folder(model) / "candidate" / "model.h5") as file:
        file["model_weights"].visititems(note)
    return found


@pytest.mark.parametrize("model", [KILLED, CUT])
def test_it_is_begun_again_on_another_node_and_ends_once(after: House, model: str) -> None:
    job = after.job(model)

    assert (job.state, job.attempt, job.error) == (JobState.PUBLISHED, 2, "")
    assert (job.result["version"], job.result["promoted"]) == (2, True)
    states = after.bodies(model, "state")
    came = [body["state"] for body in states]
    again = came.index("QUEUED", 1)
    assert came[:2] == ["QUEUED", "RUNNING"]
    assert came[again:] == ["QUEUED", "RUNNING", "EVALUATING", "PUBLISHED"]
    assert came[2:again] in ([], ["EVALUATING"])  # who is stopped may have come so far
    assert "Ray has lost it" in states[again]["why"]
    assert after.bodies(model, "published") == [{"version": 2}]
    assert after.versions(model) == ["1", "2"]
    assert after.current(model) == 2
    assert read_provenance(after.shop.settings.repository / model / "2").key == job.id


def test_it_goes_on_at_its_epoch(after: House) -> None:
    (resumed,) = after.bodies(KILLED, "resumed")
    epochs = [body["epoch"] for body in after.bodies(KILLED, "epoch")]

    again = resumed["epoch"]
    assert again >= 3
    assert epochs in (  # it may have died between an epoch and the end of its backup
        list(range(1, EPOCHS + 1)),
        [*range(1, again + 1), *range(again, EPOCHS + 1)],
    )


@pytest.mark.parametrize("model", [KILLED, CUT])
def test_it_has_learnt_what_one_that_nobody_disturbed_has(after: House, model: str) -> None:
    undisturbed, found = learnt(after, CALM), learnt(after, model)

    assert after.job(CALM).attempt == 1
    assert undisturbed.keys() == found.keys()
    assert all(np.array_equal(undisturbed[name], found[name]) for name in undisturbed)


def test_who_was_cut_off_has_written_nothing_more(after: House) -> None:
    kinds = [(one.kind, one.body) for one in after.shop.jobs.events(after.jobs[CUT])]
    second = kinds.index(("state", {"state": "RUNNING", "attempt": 2}))

    since = [kind for kind, _ in kinds[second + 1 :]]
    assert since == ["state", "verdict", "published", "state"]
    log = (after.folder(CUT) / "job.log").read_text()
    assert log.count('"event":"superseded"') == 1
