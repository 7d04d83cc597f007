"""Jobs as child processes: limited, logged, and ended with all that they have started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.jobs.executor import LOST, RUNNING, JobLimits, Phase, Status
from service.jobs.ids import attempt_key, new_id
from service.jobs.local import LocalExecutor

GIBIBYTE = 1024**3
LIMITS = JobLimits(GIBIBYTE, threads=1)
KEY = attempt_key(new_id(1e9), 1)


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    made = LocalExecutor(tmp_path)
    yield made
    made.close()


def run(executor: LocalExecutor, code: str, key: str = KEY, limits: JobLimits = LIMITS) -> None:
    executor.submit(key, [sys.executable, "-c", code], dict(os.environ), limits)


def wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(executor: LocalExecutor, key: str = KEY) -> Status:
    wait(lambda: executor.poll(key) != RUNNING)
    return executor.poll(key)


def is_there(pid: int) -> bool:
    """Whether it runs; one that has ended and waits for its parent to look doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("code", [0, 1, 75])
def test_the_exit_code_is_told_until_somebody_has_seen_to_it(
    executor: LocalExecutor, code: int
) -> None:
    run(executor, f"import sys; print('hello'); sys.exit({code})")

    assert ended(executor) == Status(Phase.ENDED, code)
    assert executor.poll(KEY) == Status(Phase.ENDED, code)
    assert executor.log(KEY) == "hello\n"
    executor.stop(KEY)
    assert executor.poll(KEY) == LOST


def test_what_nobody_has_submitted_is_lost(executor: LocalExecutor) -> None:
    assert executor.poll(KEY) == LOST
    assert executor.log(KEY) == ""
    executor.stop(KEY)


def test_the_same_key_is_the_same_program(executor: LocalExecutor) -> None:
    run(executor, "print('once')")
    run(executor, "print('twice')")

    ended(executor)

    assert executor.log(KEY) == "once\n"


def test_attempts_of_a_job_write_one_log(executor: LocalExecutor) -> None:
    job = new_id(1e9)
    for attempt in (1, 2):
        run(executor, f"print({attempt})", attempt_key(job, attempt))
        ended(executor, attempt_key(job, attempt))

    assert executor.log(attempt_key(job, 2)) == "1\n2\n"


def test_a_killed_one_is_told_by_its_signal(executor: LocalExecutor) -> None:
    run(executor, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert ended(executor) == Status(Phase.ENDED, -signal.SIGKILL)


def test_it_steps_back_behind_everybody_else(executor: LocalExecutor) -> None:
    run(
        executor,
        "import os, resource; print(os.nice(0), resource.getrlimit(resource.RLIMIT_AS)[0],"
        "open('/proc/self/oom_score_adj').read().strip())",
    )

    ended(executor)

    assert executor.log(KEY).split() == ["19", str(GIBIBYTE), "1000"]


def test_it_steps_back_behind_other_sessions_where_the_kernel_groups_by_them(
    executor: LocalExecutor,
) -> None:
    group = Path("/proc/self/autogroup")
    run(executor, f"import pathlib; print(pathlib.Path('{group}').read_text())")

    ended(executor)

    assert executor.log(KEY).split()[-2:] == ["nice", "19"] or not group.exists()


def test_it_gets_no_more_memory_than_it_may(executor: LocalExecutor) -> None:
    run(executor, "bytearray(2 * 1024**3)")

    assert ended(executor).code == 1
    assert executor.log(KEY).rstrip().endswith("MemoryError")


def test_jobs_run_on_as_many_processors_as_they_have_threads_each_on_others(
    executor: LocalExecutor,
) -> None:
    free = os.sched_getaffinity(0)
    keys = [attempt_key(new_id(1e9 + n), 1) for n in range(len(free))]
    for key in keys:
        run(
            executor,
            "import os, time; print(*os.sched_getaffinity(0), flush=True); time.sleep(60)",
            key,
        )
    wait(lambda: all(executor.log(key) for key in keys))

    assert sorted(int(executor.log(key)) for key in keys) == sorted(free)
    wide = attempt_key(new_id(2e9), 1)
    whole = JobLimits(GIBIBYTE, threads=len(free) + 1)
    run(executor, "import os; print(*os.sched_getaffinity(0))", wide, whole)
    ended(executor, wide)
    assert {int(cpu) for cpu in executor.log(wide).split()} == free


# What it has started itself, in its process group.
FAMILY = (
    "import subprocess, sys, time; "
    "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(other.pid, flush=True); "
)


@pytest.mark.parametrize("is_stopped", [True, False], ids=["stopped", "ended by itself"])
def test_what_it_has_started_ends_with_it(executor: LocalExecutor, is_stopped: bool) -> None:
    run(executor, FAMILY + ("time.sleep(600)" if is_stopped else "sys.exit(3)"))
    wait(lambda: executor.log(KEY).endswith("\n"))
    other = int(executor.log(KEY))

    if is_stopped:
        executor.stop(KEY)
        assert executor.poll(KEY) == LOST
    else:
        assert ended(executor).code == 3

    wait(lambda: not is_there(other))


@pytest.mark.slow
def test_it_ends_with_whoever_has_started_it_however_that_ends(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from pathlib import Path; "
        "from service.jobs.local import LocalExecutor; "
        "from service.jobs.executor import JobLimits; "
        f"executor = LocalExecutor(Path({str(tmp_path)!r})); "
        f"executor.submit({KEY!r}, [sys.executable, '-c', 'import os, time; "
        "print(os.getpid(), flush=True); time.sleep(600)'], dict(os.environ), "
        "JobLimits(2**30, 1)); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    executor = LocalExecutor(tmp_path)
    wait(lambda: executor.log(KEY).endswith("\n"))

    parent.kill()
    parent.wait()

    wait(lambda: not is_there(int(executor.log(KEY))))
    assert executor.poll(KEY) == LOST
