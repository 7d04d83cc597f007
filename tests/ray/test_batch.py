"""Four jobs on two nodes predict what one process does, though one of the nodes dies under them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.jobs.job import Job, JobOrder, JobState, Kind
from service.recipe.batch import BatchOptions
from service.training.batch.run import BatchOrder, run_batch
from service.training.batch.subject import find_subject
from tests.ray.cluster import Cluster, running_cluster
from tests.running import wait_until
from tests.training.batch_world import Watched
from tests.training.retraining import MODEL, Shop, open_shop

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

ENOUGH_S = 300.0
FILES, ROWS, WIDTH, JOBS = 8, 30_000, 30, 4


@dataclass
class House:
    """A controller whose jobs run on the cluster's nodes; all of them see its folders."""

    shop: Shop
    cluster: Cluster
    controller: "subprocess.Popen[bytes]"

    @property
    def data(self) -> Path:
        assert self.shop.settings.data_dir is not None
        return self.shop.settings.data_dir

    def jobs(self) -> list[Job]:
        return sorted(self.shop.jobs.find(), key=lambda job: job.id)

    def wait(self, claim: str, timeout_s: float = ENOUGH_S) -> None:
        """Until all jobs `begun` or `ended`."""

        def holds() -> bool:
            assert self.controller.poll() is None
            found = self.jobs()
            if claim == "ended":
                return all(job.is_ended for job in found)
            return all(job.progress.get("rows", 0) > 0 or job.is_ended for job in found)

        wait_until(holds, f"all jobs have {claim}", timeout_s)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A head without room for jobs; the nodes are the test's."""
    with running_cluster() as cluster:
        shop = open_shop(tmp_path)
        cluster.head.wait_ready()
        settings = {
            "executor": "ray", "ray_address": cluster.url, "ray_token": cluster.token,
            "repository": shop.settings.repository, "state_dir": shop.settings.state_dir,
            "data_dir": shop.settings.data_dir, "jobs_at_once": JOBS, "job_threads": 1,
            "poll_s": 0.2,
        }  # fmt: skip
        environment = {f"KERASD_{name.upper()}": str(value) for name, value in settings.items()}
        command = cluster.head.joined(sys.executable, "-m", "service.cli.main", "controller")
        controller = subprocess.Popen(command, env={**os.environ, **environment})
        try:
            yield House(shop, cluster, controller)
        finally:
            controller.send_signal(signal.SIGTERM)
            controller.wait(60)


def write_rows(folder: Path) -> None:
    folder.mkdir()
    for number in range(FILES):
        values = np.random.default_rng(number).normal(size=(ROWS, WIDTH)).astype(np.float32)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), WIDTH)
        ids = np.arange(number * ROWS, (number + 1) * ROWS)
        pq.write_table(pa.table({"id": ids, "cells": lists}), folder / f"{number}.parquet")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_the_same_rows_come_out_whichever_node_dies(house: House) -> None:
    write_rows(house.data / "in")
    doomed = house.cluster.add("first", processors=2)
    house.cluster.add("second", processors=2)
    request = {"input": "in", "output": "out", "version": 1, "batch_rows": 1}
    for number in range(1, JOBS + 1):
        asked = {**request, "shard": {"index": number, "of": JOBS}}
        house.shop.jobs.submit(JobOrder(Kind.BATCH_PREDICT, MODEL, asked, "ada"), time.time())

    house.wait("begun")
    doomed.kill()
    house.wait("ended")

    jobs = house.jobs()
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * JOBS
    assert sum(job.result["rows"] for job in jobs) == FILES * ROWS
    assert {job.attempt for job in jobs} == {1, 2}
    alone = house.data / "alone"
    order = BatchOrder(house.data / "in", alone, BatchOptions(batch_rows=1), "alone")
    run_batch(order, find_subject(house.shop.place, MODEL, 1), Watched())
    assert contents(house.data / "out") == contents(alone)
    ids = [row for name in contents(alone) for row in pq.read_table(alone / name)["id"].to_pylist()]
    assert ids == list(range(FILES * ROWS))
