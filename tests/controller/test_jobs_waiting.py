"""Jobs that wait for a machine with room for them, or for an executor that is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.errors import SettingsInvalid
from service.base.settings import Settings
from service.controller.job_program import JobProgram
from service.controller.jobs import executor_of
from service.jobs.executor import RUNNING, WAITING, Phase, Status
from service.jobs.job import Job, JobState
from service.jobs.local import LocalExecutor
from tests.controller.job_world import JobWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[JobWorld]:
    made = JobWorld(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def waiting(world: JobWorld) -> Job:
    """A job that was submitted, and that no machine has room for."""
    job = world.ask()
    world.executor.says[f"{job.id}-a1"] = WAITING
    world.step()
    return world.get(job)


def test_who_waits_for_room_is_neither_silent_nor_late(world: JobWorld, waiting: Job) -> None:
    world.pass_time(1000)
    assert (world.get(waiting).attempt, world.get(waiting).state) == (1, JobState.RUNNING)

    world.executor.says[f"{waiting.id}-a1"] = RUNNING
    world.pass_time(390)
    assert world.get(waiting).attempt == 1
    world.pass_time(15)

    assert world.get(waiting).attempt == 2


def test_who_waits_for_room_is_shown_so_until_its_program_speaks(
    world: JobWorld, waiting: Job
) -> None:
    world.step()
    assert world.get(waiting).progress == {"stage": "waiting for room"}

    world.wall += 1
    world.store.beat(waiting.id, 1, world.wall, {"stage": "beginning"})
    world.step()  # an answer of the executor's that is older than that

    assert world.get(waiting).progress == {"stage": "beginning"}


def test_a_process_that_is_often_away_still_sees_who_is_silent(world: JobWorld) -> None:
    job = world.begin()
    world.executor.says[f"{job.id}-a1"] = Status(Phase.RUNNING, why="the head is away")

    for _ in range(5):  # a machine so busy that it gets no turn for a while
        world.pass_time(10)
        world.monotonic += 20

    assert world.get(job).attempt == 2


def test_who_waits_for_room_is_cancelled_at_once(world: JobWorld, waiting: Job) -> None:
    world.store.ask_cancel(waiting.id, world.wall)

    world.step()

    assert world.get(waiting).state is JobState.CANCELLED
    assert world.executor.stopped == [f"{waiting.id}-a1"]


def test_who_waits_for_room_is_left_to_the_next_controller(world: JobWorld, waiting: Job) -> None:
    world.executor.close = lambda: None  # type: ignore[method-assign]

    world.supervisor.close()
    world.supervisor = world.new_supervisor()
    world.pass_time(300)

    assert (world.get(waiting).attempt, world.get(waiting).state) == (1, JobState.RUNNING)


def test_no_attempt_is_lost_to_an_executor_that_is_away(world: JobWorld) -> None:
    world.executor.is_away = True
    job = world.ask()

    world.pass_time(100)
    assert (world.get(job).attempt, world.get(job).state) == (0, JobState.QUEUED)
    world.executor.is_away = False
    world.step()

    assert world.executor.submitted == [f"{job.id}-a1"]


def test_no_attempt_is_lost_to_an_executor_that_takes_nothing_yet(world: JobWorld) -> None:
    jobs = [world.ask("a"), world.ask("b")]
    world.executor.trouble = ConnectionError("Ray takes no job: status 500: try again later")

    world.pass_time(100)
    found = [world.get(job) for job in jobs]
    assert [job.state for job in found] == [JobState.QUEUED] * 2
    assert [job.failures for job in found] == [0, 0]
    assert found[0].error == "Ray takes no job: status 500: try again later"
    assert found[0].attempt + found[1].attempt == 3  # one of them after 0, 30 and 90 seconds
    world.executor.trouble = None
    world.pass_time(121)

    assert [world.get(job).state for job in jobs] == [JobState.RUNNING] * 2


def test_what_an_executor_took_without_saying_so_is_stopped(world: JobWorld) -> None:
    job = world.ask()
    world.executor.trouble = ConnectionError("Ray takes no job: no answer")
    world.executor.says[f"{job.id}-a1"] = WAITING

    world.pass_time(2)

    assert world.executor.stopped == world.program.cleaned == [f"{job.id}-a1"]


def test_what_was_given_up_while_the_executor_was_away_is_stopped_when_it_is_back(
    world: JobWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.begin()
    asked: list[str] = []
    monkeypatch.setattr(world.executor, "stop", asked.append)  # nobody hears it
    world.executor.says[f"{job.id}-a1"] = Status(Phase.RUNNING, why="the head is away")
    world.pass_time(100)
    assert world.get(job).attempt == 2
    asked.clear()

    world.executor.says[f"{job.id}-a1"] = RUNNING
    world.pass_time(3)

    assert asked == [f"{job.id}-a1"]


def test_what_was_away_until_the_last_attempt_is_told(world: JobWorld) -> None:
    job = world.begin()

    for _ in range(3):
        world.executor.end(70, "{}\nVersion 3 is not loaded everywhere\n")
        world.pass_time(10)

    failed = world.get(job)
    assert (failed.state, failed.error) == (
        JobState.FAILED,
        "Version 3 is not loaded everywhere; 3 attempts in a row came to nothing",
    )


def test_settings_say_where_jobs_run(tmp_path: Path) -> None:
    url = "http://head:8265"

    local = executor_of(Settings(state_dir=tmp_path))
    ray = executor_of(Settings(executor="ray", ray_address=url, ray_token="t"))

    assert isinstance(local, LocalExecutor)
    assert local.is_ready()
    assert ray.place == f"ray:{url}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ray_address": "head:8265", "ray_token": "t"}, "ray_address = 'head:8265'"),
        ({"ray_token": "t"}, "needs the URL of the dashboard"),
        ({"ray_address": "http://head:8265"}, "RAY_AUTH_MODE=token"),
    ],
    ids=["no URL", "no address", "no token"],
)
def test_a_cluster_is_asked_by_a_url_and_never_without_a_token(
    given: dict[str, str], words: str
) -> None:
    settings = Settings.model_validate({"executor": "ray", **given})

    with pytest.raises(SettingsInvalid, match=words):
        executor_of(settings)


def test_the_program_gets_as_many_threads_as_are_kept_free_for_it_and_no_token(
    tmp_path: Path, world: JobWorld
) -> None:
    settings = Settings(state_dir=tmp_path, ray_token="secret", job_threads=0)

    command = JobProgram(settings).command(world.ask())

    assert command.environment["KERASD_JOB_THREADS"] == str(command.limits.threads)
    assert "secret" not in command.environment.values()
