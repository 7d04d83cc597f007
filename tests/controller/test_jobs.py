"""The half of the controller that has jobs run, by what settings and models' files say."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.base.settings import Settings
from service.controller.job_program import JobProgram
from service.controller.jobs import Jobs
from service.jobs.job import JobState
from service.repository.model_config import read_model_config
from tests.controller.job_world import JobWorld
from tests.controller.receiver import Receiver

YAML = """
retrain:
  data: {{file: new.csv}}
  init: {{from: architecture}}
  fit: {{epochs: 7}}
  priority: 5
  schedule: "* * * * *"
  webhook: {url}
"""
# Ends its job, as a program does.
PROGRAM = """
import sys
from service.base.database import open_database
from service.jobs.job import JobState
from service.jobs.store import JobStore
store = JobStore(open_database(sys.argv[1]), "/models")
store.finish(sys.argv[2], int(sys.argv[3]), JobState.PUBLISHED, 2e9, {"version": 2})
"""


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    made = [Receiver(), Receiver()]
    yield made
    for one in made:
        one.close()


def take_turns(jobs: Jobs, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        for step in jobs.steps:
            step(time.monotonic())
        time.sleep(0.01)


def test_a_model_s_schedule_begins_a_retrain_and_both_webhooks_hear_of_its_end(
    tmp_path: Path, receivers: list[Receiver]
) -> None:
    world = JobWorld(tmp_path)
    general, own = receivers
    settings = Settings(
        repository=tmp_path / "models", state_dir=tmp_path / "state", webhook=general.url
    )
    folder = settings.repository / "digits"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(YAML.format(url=own.url))
    os.utime(folder / "model.yaml", (1e9, 1e9))
    program = JobProgram(settings, (sys.executable, "-c", PROGRAM, str(world.engine.url)))
    housekept: list[float] = []
    configs = {"digits": read_model_config(folder)}
    tasks = {"test": lambda: housekept.append(1.0)}
    jobs = Jobs(settings, world.store, program, lambda: configs, tasks)

    take_turns(jobs, lambda: own.told and general.told)
    jobs.close()

    first = world.store.find()[-1]
    assert (first.state, first.trigger, first.priority) == (JobState.PUBLISHED, "schedule", 5)
    assert (first.request["data"]["file"], first.request["fit"]["epochs"]) == ("new.csv", 7)
    assert first.request["init"]["from"] == "architecture"  # as a request has it
    assert own.told[0]["id"] == general.told[0]["id"] == first.id
    assert own.told[0]["result"] == {"version": 2}
    assert not housekept  # not in the first minute
