"""What becomes of jobs, whatever happens to their programs; time is passed by hand."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs.executor import LOST, Phase, Status
from service.jobs.job import JobState
from tests.controller.job_world import JobWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[JobWorld]:
    made = JobWorld(tmp_path)
    yield made
    made.engine.dispose()


def test_a_job_is_begun_and_cleaned_up_when_its_program_has_ended_it(world: JobWorld) -> None:
    job = world.begin()
    assert world.executor.submitted == [f"{job.id}-a1"]
    assert (job.state, job.owner) == (JobState.RUNNING, "here")

    world.store.finish(job.id, 1, JobState.PUBLISHED, world.wall, {"version": 2})
    world.step()
    assert world.program.cleaned == []  # it is given the time to end by itself
    world.executor.end(0)
    world.step()

    assert world.program.cleaned == [f"{job.id}-a1"]
    assert world.get(job).state is JobState.PUBLISHED


def test_a_program_that_does_not_end_with_its_job_is_killed(world: JobWorld) -> None:
    job = world.begin()
    world.store.finish(job.id, 1, JobState.PUBLISHED, world.wall, {})

    world.pass_time(29)
    assert world.executor.stopped == []
    world.pass_time(2)

    assert world.executor.stopped == [f"{job.id}-a1"]


def test_so_many_run_at_once_and_the_next_begins_when_one_has_ended(world: JobWorld) -> None:
    jobs = [world.ask(model) for model in ("a", "b", "c")]
    world.step()
    assert world.executor.submitted == [f"{job.id}-a1" for job in jobs[:2]]

    world.store.finish(jobs[0].id, 1, JobState.GATED, world.wall, {})
    world.step()

    assert world.executor.submitted[2:] == [f"{jobs[2].id}-a1"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_one_is_begun_again_later_each_time_and_fails_in_the_end(
    world: JobWorld, number: signal.Signals
) -> None:
    job = world.begin()
    waits = []

    for _ in range(3):
        world.executor.end(-number)
        world.step()
        found = world.get(job)
        waits.append(found.retry_at and found.retry_at - world.wall)
        world.pass_time(6, beating=None)

    assert waits == [1.0, 5.0, None]
    failed = world.get(job)
    assert (failed.state, failed.attempt) == (JobState.FAILED, 3)
    assert failed.error == (
        f"its process was killed by {number.name}; 3 attempts in a row came to nothing"
    )
    assert world.executor.submitted == [f"{job.id}-a{n}" for n in (1, 2, 3)]


def test_a_job_that_saves_what_it_has_done_may_be_killed_for_ever(world: JobWorld) -> None:
    job = world.begin()

    for attempt in range(1, 9):
        world.store.saved(job.id, attempt)
        world.executor.end(-signal.SIGKILL)
        world.pass_time(3)

    assert (world.get(job).state, world.get(job).attempt) == (JobState.RUNNING, 9)


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (1, "Traceback ...\nValueError: no such layer\n\n", "ValueError: no such layer"),
        (1, '{"event":"job failed","exception":"Trace\\n  x\\nKeyError: 1"}\n', ": KeyError: 1"),
        (1, "", "exit code 1"),
        (75, "", "the disk is full"),
        (1, "OSError: [Errno 28] No space left on device: 'x'\n", "the disk is full"),
        (-signal.SIGABRT, "ENOSPC; No space left on device", "the disk is full"),
        (-signal.SIGXFSZ, "", "SIGXFSZ"),
    ],
    ids=["error", "error as JSON", "silent", "full", "full in Python", "full in C++", "limit"],
)
def test_what_would_come_again_is_not_tried_again(
    world: JobWorld, code: int, log: str, words: str
) -> None:
    job = world.begin()

    world.executor.end(code, log)
    world.step()

    failed = world.get(job)
    assert failed.state is JobState.FAILED
    assert words in failed.error


@pytest.mark.parametrize(
    "code", [0, 69, 70, -40], ids=["no word", "away", "later", "nameless signal"]
)
def test_what_may_pass_is_tried_again(world: JobWorld, code: int) -> None:
    job = world.begin()

    world.executor.end(code)
    world.pass_time(3)

    assert world.get(job).attempt == 2


def test_a_next_controller_begins_at_once_what_nobody_runs_any_more(world: JobWorld) -> None:
    job = world.begin()
    world.executor.says.clear()  # all children have ended with the controller
    world.supervisor = world.new_supervisor()

    world.step()
    assert (world.get(job).state, world.get(job).error) == (
        JobState.QUEUED, "nobody runs it any more",
    )  # fmt: skip
    world.pass_time(2)

    assert world.executor.submitted == [f"{job.id}-a1", f"{job.id}-a2"]


def test_what_another_place_runs_is_left_alone_until_it_is_silent(world: JobWorld) -> None:
    job = world.begin()
    world.executor.place = "elsewhere"
    world.executor.says.clear()
    world.supervisor = world.new_supervisor()

    world.pass_time(100, beating=job)
    assert world.get(job).attempt == 1
    world.pass_time(29)
    assert world.get(job).attempt == 1
    world.pass_time(3)

    assert (world.get(job).attempt, world.get(job).owner) == (2, "elsewhere")


def test_a_silent_one_is_stopped_before_the_next_attempt_begins(world: JobWorld) -> None:
    job = world.begin()
    world.executor.says[f"{job.id}-a1"] = Status(Phase.RUNNING, why="the head is away")

    world.pass_time(30)  # in the first of them its beat is seen
    assert world.executor.stopped == []
    world.pass_time(1)

    assert world.executor.stopped == [f"{job.id}-a1"]
    assert world.get(job).error == "it was silent for 30 seconds"
    world.pass_time(1)
    assert world.executor.submitted[1:] == [f"{job.id}-a2"]


def test_one_that_is_seen_to_run_has_more_time(world: JobWorld) -> None:
    """It may be silent because others need every processor."""
    job = world.begin()

    world.pass_time(400)
    assert world.get(job).attempt == 1
    world.pass_time(3)

    assert world.get(job).attempt == 2


def test_one_that_has_not_shown_itself_yet_has_more_time(world: JobWorld) -> None:
    job = world.ask()
    world.step()
    world.executor.says[f"{job.id}-a1"] = Status(Phase.RUNNING, why="the head is away")

    world.pass_time(179)
    assert world.get(job).attempt == 1
    world.pass_time(3)

    assert world.get(job).attempt == 2


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "forth"])
def test_a_clock_that_jumps_makes_nobody_silent_or_late(world: JobWorld, jump: float) -> None:
    job = world.begin()

    world.wall += jump
    world.pass_time(60, beating=job)

    assert (world.get(job).attempt, world.get(job).state) == (1, JobState.RUNNING)


def test_silence_while_this_process_was_away_is_nobody_s_fault(world: JobWorld) -> None:
    job = world.begin()
    world.executor.says[f"{job.id}-a1"] = Status(Phase.RUNNING, why="the head is away")
    world.step()

    world.monotonic += 300  # the database was away, for all
    world.step()
    assert world.get(job).attempt == 1
    world.pass_time(25)
    assert world.get(job).attempt == 1
    world.pass_time(7)

    assert world.get(job).attempt == 2


def test_a_job_takes_no_longer_than_it_may(world: JobWorld) -> None:
    job = world.begin()

    world.pass_time(600, beating=job)

    failed = world.get(job)
    assert (failed.state, world.executor.stopped) == (JobState.FAILED, [f"{job.id}-a1"])
    assert "600 seconds (setting job_timeout_s)" in failed.error


def test_one_that_is_to_be_cancelled_ends_itself_or_is_killed(world: JobWorld) -> None:
    polite, deaf = world.begin("a"), world.begin("b")
    for job in (polite, deaf):
        world.store.ask_cancel(job.id, world.wall)
    world.step()
    assert world.executor.stopped == []

    world.store.finish(polite.id, 1, JobState.CANCELLED, world.wall, {})
    world.executor.says[f"{polite.id}-a1"] = LOST
    world.pass_time(30, beating=deaf)

    assert world.get(deaf).state is JobState.CANCELLED
    assert f"{deaf.id}-a1" in world.executor.stopped
    assert world.get(polite).error == ""
    assert "killed" in world.get(deaf).error


def test_one_that_is_to_be_cancelled_and_is_killed_is_not_begun_again(world: JobWorld) -> None:
    job = world.begin()
    world.store.ask_cancel(job.id, world.wall)

    world.executor.end(-signal.SIGKILL)
    world.pass_time(5)

    assert world.get(job).state is JobState.CANCELLED
    assert len(world.executor.submitted) == 1


@pytest.mark.parametrize(
    ("number", "state"), [(errno.ENOSPC, JobState.FAILED), (errno.EAGAIN, JobState.QUEUED)]
)
def test_one_that_can_t_be_begun_fails_on_a_full_disk_only(
    world: JobWorld, number: int, state: JobState
) -> None:
    job = world.ask()
    world.executor.trouble = OSError(number, os.strerror(number))

    world.step()

    assert world.get(job).state is state
    assert "disk is full" in world.get(job).error or state is JobState.QUEUED


def test_a_controller_that_ends_puts_its_jobs_back_at_no_cost(world: JobWorld) -> None:
    job = world.begin()

    world.supervisor.close()

    found = world.get(job)
    assert (found.state, found.failures, found.error) == (
        JobState.QUEUED, 0, "the controller was ended",
    )  # fmt: skip
    assert world.executor.stopped == [f"{job.id}-a1"]


def test_what_goes_on_without_the_controller_is_not_put_back(world: JobWorld) -> None:
    job = world.begin()
    world.executor.close = lambda: None  # type: ignore[method-assign]

    world.supervisor.close()

    assert world.get(job).state is JobState.RUNNING
