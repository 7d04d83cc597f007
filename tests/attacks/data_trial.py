"""One data file given to the service's confined reader, and what came of it."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service.base.child import Child, Outcome
from service.base.signature import Signature, TensorSpec
from service.data.dataset import DataLimits, Expected
from service.data.reading_task import PROGRAM
from service.data.splitting import TRAIN
from tests.attacks.canaries import WORD
from tests.attacks.case import Case
from tests.attacks.trial import Bench, End, Result, find_marks, high_water_mib

# What the good data set is made for: four numbers a row, two classes.
EXPECTED = Expected(
    Signature((TensorSpec("x", "float32", (None, 4)),), (TensorSpec("y", "float32", (None, 2)),)),
    classes=2,
    columns=("a", "b", "c", "d"),
)


class DataTrial:
    """Have a file read; `step` is called until there is a result."""

    def __init__(self, case: Case, bench: Bench) -> None:
        self.case = case
        self._bench = bench
        self._started = time.monotonic()
        self._peak = 0
        self._child = Child(
            self._task(), bench.limits, bench.timeout_s, bench.children, self._started, PROGRAM
        )

    def step(self, now: float) -> Result | None:
        """Look at the child; the result once there is one."""
        self._peak = max(self._peak, high_water_mib(self._child.pid))
        outcome = self._child.poll(now)
        if outcome is None:
            return None
        has_answered = (self._child.folder / "result.json").exists()
        self.close()
        return self._result(outcome, has_answered)

    def close(self) -> None:
        """End the child, and remove what it left."""
        self._child.kill()
        self._child.clean()

    def _task(self) -> dict[str, Any]:
        path = self._bench.corpus / self.case.file
        return {
            "names": {TRAIN: path.name},
            "files": {TRAIN: str(path)},
            "split": None,
            "held_out_rows": 0,
            "keep": False,
            "expected": EXPECTED.as_json(),
            "data_limits": asdict(DataLimits()),
        }

    def _result(self, outcome: Outcome, has_answered: bool) -> Result:
        died: End = "crashed" if outcome.died else "killed"
        end: End = "accepted" if outcome.ok else "inspection" if has_answered else died
        return Result(
            case=self.case.id,
            end=end,
            code=outcome.code,
            message=outcome.message,
            seconds=round(time.monotonic() - self._started, 2),
            peak_mib=self._peak,
            marks=find_marks(self._bench.corpus, self.case),
            leaks=("message",) if WORD in outcome.message else (),
            files=(Path(self.case.file).name,),
        )
