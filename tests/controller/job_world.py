"""A job table, a supervisor whose clock is set by hand, and an executor that runs nothing."""

from pathlib import Path

from service.base.database import open_database
from service.controller.job_program import Command
from service.controller.jobs_supervisor import JobsSupervisor, SupervisorLimits
from service.jobs.executor import JobLimits
from service.jobs.ids import attempt_key
from service.jobs.job import Job
from service.jobs.store import JobStore
from tests.controller.scripted_executor import ScriptedExecutor
from tests.databases import migrate
from tests.jobs.orders import order

LIMITS = SupervisorLimits(
    at_once=2, attempts=3, lease_s=30, timeout_s=600, grace_s=30, start_s=180, seen_s=400
)


class EmptyProgram:
    """Nothing is run; what was cleaned up is remembered."""

    def __init__(self) -> None:
        self.cleaned: list[str] = []

    def command(self, job: Job) -> Command:
        return Command(("true", job.id), {}, JobLimits(2**30, 1))

    def clean(self, job: Job) -> None:
        self.cleaned.append(attempt_key(job.id, job.attempt))


class JobWorld:
    """`pass_time` moves both clocks and takes steps, a second each."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/jobs.sqlite")
        migrate(self.engine)
        self.store = JobStore(self.engine, "/models")
        self.executor = ScriptedExecutor()
        self.program = EmptyProgram()
        self.wall = 100_000.0
        self.monotonic = 50.0
        self.supervisor = self.new_supervisor()

    def new_supervisor(self) -> JobsSupervisor:
        """One that has seen nothing yet, as after a crash."""
        return JobsSupervisor(self.store, self.executor, self.program, LIMITS, lambda: self.wall)

    def ask(self, model: str = "digits") -> Job:
        self.wall += 0.01
        return self.store.submit(order(model), self.wall)

    def step(self) -> None:
        self.wall += 1
        self.monotonic += 1
        self.supervisor.step(self.monotonic)

    def pass_time(self, seconds: int, beating: Job | None = None) -> None:
        for _ in range(seconds):
            if beating is not None:
                self.beat(beating)
            self.step()

    def begin(self, model: str = "digits") -> Job:
        """A job whose program has shown that it is there."""
        asked = self.ask(model)
        self.step()
        self.wall += 0.5
        self.beat(asked)
        return self.get(asked)

    def beat(self, job: Job) -> None:
        self.store.beat(job.id, self.get(job).attempt, self.wall)

    def get(self, job: Job) -> Job:
        return self.store.get(job.id)
