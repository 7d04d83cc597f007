"""Jobs of a Ray cluster by its Jobs API: what is asked for, and what its answers mean."""

import logging
import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs.executor import RUNNING, WAITING, JobLimits, Phase, Status
from service.jobs.ids import attempt_key, job_of, new_id
from service.jobs.ray import STOPPED, RayExecutor
from service.jobs.ray_head import QUIET_S, RayHead
from tests.controller.dripping import dripping
from tests.jobs.ray_server import TOKEN, RayServer

LIMITS = JobLimits(address_space=2**33, threads=2)
KEY = attempt_key(new_id(1e9), 1)
ARGV = ("/here/bin/python3.11", "-P", "-m", "service.training.run", "a job's", "1")
ENVIRONMENT = {
    "KERASD_STATE_DIR": "/cluster/state",
    "OMP_NUM_THREADS": "2",
    "PATH": "/here/bin",
    "HOME": "/here/home",
    "AWS_SECRET_ACCESS_KEY": "of this machine",
}
# As Ray 2.60 says it.
NODE_DIED = (
    "Job supervisor actor died: The actor died unexpectedly before finishing this task.\n"
    "\tclass_name: JobSupervisor\n\tpid: 258\n"
    "The actor died because its node has died. Node Id: 9b0c\n"
    "\tthe actor's node was terminated unexpectedly: health check failed due to missing heartbeats"
)


@pytest.fixture
def ray() -> Iterator[RayServer]:
    made = RayServer()
    yield made
    made.close()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def executor(ray: RayServer, clock: Clock, tmp_path: Path) -> Iterator[RayExecutor]:
    made = RayExecutor(RayHead(ray.url + "/", TOKEN, clock), tmp_path / "my jobs", "python3")
    yield made
    made.close()


def submit(executor: RayExecutor, key: str = KEY) -> None:
    executor.submit(key, ARGV, ENVIRONMENT, LIMITS)


def test_the_order_names_the_attempt_its_program_its_room_and_no_more_than_it_needs(
    executor: RayExecutor, ray: RayServer, tmp_path: Path
) -> None:
    submit(executor)

    (order,) = ray.orders
    log = tmp_path / "my jobs" / job_of(KEY) / "job.log"
    assert order == {
        "submission_id": KEY,
        "entrypoint": "exec python3 -P -m service.training.run 'a job'\"'\"'s' 1"
        f" >>{shlex.quote(str(log))} 2>&1",
        "entrypoint_num_cpus": 2,
        "entrypoint_memory": 2**33,
        "runtime_env": {"env_vars": {"KERASD_STATE_DIR": "/cluster/state", "OMP_NUM_THREADS": "2"}},
        "metadata": {"job": job_of(KEY)},
    }
    assert executor.place == f"ray:{ray.url}"


def test_the_same_key_is_the_same_program(executor: RayExecutor, ray: RayServer) -> None:
    submit(executor)
    submit(executor)

    assert len(ray.orders) == 1


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"status": "PENDING"}, WAITING),
        ({"status": "RUNNING"}, RUNNING),
        ({"status": "SUCCEEDED", "driver_exit_code": 0}, Status(Phase.ENDED)),
        ({"status": "FAILED", "driver_exit_code": 75}, Status(Phase.ENDED, 75)),
        ({"status": "FAILED", "driver_exit_code": -9}, Status(Phase.ENDED, -9)),
        ({"status": "STOPPED"}, Status(Phase.ENDED, STOPPED, "stopped in Ray")),
        (
            {"status": "FAILED", "driver_exit_code": None, "message": NODE_DIED},
            Status(
                Phase.LOST,
                why="Ray has lost it: Job supervisor actor died: The actor died unexpectedly "
                "before finishing this task. the actor's node was terminated unexpectedly: "
                "health check failed due to missing heartbeats",
            ),
        ),
        ({"status": "FAILED"}, Status(Phase.LOST, why="Ray has lost it: it doesn't say why")),
    ],
    ids=["pending", "running", "done", "failed", "killed", "stopped", "node died", "silent"],
)
def test_what_ray_says_of_a_job_is_understood(
    executor: RayExecutor, ray: RayServer, record: dict[str, object], status: Status
) -> None:
    ray.jobs[KEY] = record

    assert executor.poll(KEY) == status


def test_what_ray_does_not_know_is_lost(executor: RayExecutor) -> None:
    assert executor.poll(KEY) == Status(Phase.LOST, why="Ray knows nothing of it")
    executor.stop(KEY)


def test_it_is_stopped_and_stopped_again(executor: RayExecutor, ray: RayServer) -> None:
    submit(executor)

    executor.stop(KEY)
    executor.stop(KEY)

    assert executor.poll(KEY).code == STOPPED


def test_the_log_is_what_lies_in_the_folder_and_then_what_kept_it_from_being_written(
    executor: RayExecutor, ray: RayServer, tmp_path: Path
) -> None:
    ray.jobs[KEY] = {
        "status": "FAILED",
        "message": "Job entrypoint command failed with exit code 2, last available logs (...):\n"
        "/bin/sh: 1: cannot create /jobs/job.log: Directory nonexistent\n"
        f"Running entrypoint for job {KEY}: exec python ...\n",
    }
    assert executor.log(KEY) == "/bin/sh: 1: cannot create /jobs/job.log: Directory nonexistent"

    folder = tmp_path / "my jobs" / job_of(KEY)
    folder.mkdir(parents=True)
    (folder / "job.log").write_text("hello\n")
    ray.jobs[KEY]["message"] = ""

    assert executor.log(KEY) == "hello\n"


@pytest.mark.parametrize("trouble", [500, 502, 503, 302, 401, 403])
def test_of_a_head_in_trouble_nothing_is_concluded(
    executor: RayExecutor, ray: RayServer, trouble: int
) -> None:
    ray.trouble = trouble

    status = executor.poll(KEY)

    assert status.phase is Phase.RUNNING
    assert f"status {trouble}" in status.why
    with pytest.raises(ConnectionError, match=f"Ray takes no job: status {trouble}"):
        submit(executor)
    executor.stop(KEY)
    assert f"status {trouble}" in executor.log(KEY)
    assert not ray.orders


def test_a_head_that_is_away_is_left_alone_for_a_while(
    executor: RayExecutor, ray: RayServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ray.trouble = 503
    for _ in range(3):
        assert executor.poll(KEY).phase is Phase.RUNNING
        assert not executor.is_ready()
    assert len(ray.asked) == 1

    ray.trouble = 0
    clock.now += QUIET_S
    assert executor.is_ready()
    assert executor.is_ready()  # as it was heard a moment ago

    assert len(ray.asked) == 2
    assert [record.message for record in caplog.records if "Ray" in record.message] == [
        "Ray is away",
        "Ray is back",
    ]


def test_a_head_that_nobody_hears_is_away(clock: Clock, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        head = RayHead(f"http://127.0.0.1:{closed.getsockname()[1]}", TOKEN, clock)
        executor = RayExecutor(head, tmp_path, "python")

        assert not executor.is_ready()
        assert executor.poll(KEY) == Status(
            Phase.RUNNING, why=f"{head.address} can't be asked: ConnectionError"
        )
        with pytest.raises(ConnectionError, match="can't be asked: ConnectionError"):
            submit(executor)
        executor.stop(KEY)


def test_a_head_that_is_silent_is_away(
    ray: RayServer, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.ray_head.TIMEOUT_S", (1.0, 0.05))
    ray.may_answer.clear()
    executor = RayExecutor(RayHead(ray.url, TOKEN, clock), tmp_path, "python")

    assert executor.poll(KEY).phase is Phase.RUNNING
    assert not executor.is_ready()


def test_a_wrong_token_is_named_and_never_told(
    ray: RayServer, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    executor = RayExecutor(RayHead(ray.url, "wr0ng", clock), tmp_path, "python")

    assert not executor.is_ready()

    assert "the setting ray_token must be the token of the cluster" in executor.poll(KEY).why
    assert "wr0ng" not in caplog.text + executor.poll(KEY).why


@pytest.mark.parametrize(
    "answer",
    [b"H", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65536],
    ids=["drips", "endless"],
)
def test_a_head_that_never_ends_its_answer_holds_up_nobody(
    answer: bytes, clock: Clock, tmp_path: Path
) -> None:
    with dripping(answer, len(answer)) as server:
        head = RayHead(server.url, TOKEN, clock, deadline_s=0.3)
        executor = RayExecutor(head, tmp_path, "python")
        began = time.monotonic()

        assert executor.poll(KEY).phase is Phase.RUNNING
        clock.now += QUIET_S + 1
        assert not executor.is_ready()

        assert time.monotonic() - began < 5
        assert "can't be asked" in head.ask("GET", "/").why
