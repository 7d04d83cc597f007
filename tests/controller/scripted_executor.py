"""An executor that runs nothing and says what it is told to say."""

from collections.abc import Mapping, Sequence

from service.jobs.executor import LOST, RUNNING, JobLimits, Phase, Status


class ScriptedExecutor:
    """`says` is what it answers of a key; what was submitted runs until then."""

    def __init__(self, place: str = "here") -> None:
        self.place = place
        self.submitted: list[str] = []
        self.stopped: list[str] = []
        self.says: dict[str, Status] = {}
        self.logs: dict[str, str] = {}
        self.trouble: OSError | None = None
        self.is_away = False

    def is_ready(self) -> bool:
        return not self.is_away

    def submit(
        self, key: str, argv: Sequence[str], environment: Mapping[str, str], limits: JobLimits
    ) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.submitted.append(key)
        self.says.setdefault(key, RUNNING)

    def poll(self, key: str) -> Status:
        return self.says.get(key, LOST)

    def stop(self, key: str) -> None:
        self.stopped.append(key)
        self.says.pop(key, None)

    def log(self, key: str) -> str:
        return self.logs.get(key, "")

    def close(self) -> None:
        for key in list(self.says):
            self.stop(key)

    def end(self, code: int, log: str = "") -> None:
        """Have the program that was submitted last end."""
        self.says[self.submitted[-1]] = Status(Phase.ENDED, code)
        self.logs[self.submitted[-1]] = log
