"""One case given to the service's own confined child processes, and what came of it."""

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.base.child import Child, Outcome
from service.base.confinement import Limits
from service.base.load_options import LoadOptions
from service.base.refusals import FileRefused
from service.controller.tracked import Tracked
from service.repository.layout import Found
from service.repository.states import State
from tests.attacks.canaries import NUMBER, WORD
from tests.attacks.case import Case

# How far it came: refused without being opened, by what is in it, by Keras; or accepted; or the
# child reached a limit, or died.
End = Literal["unopened", "inspection", "compiling", "accepted", "killed", "crashed"]
CANARIES = (WORD.encode(), struct.pack("<2f", NUMBER, NUMBER))
BEFORE_KERAS = ("start", "inspect")
LAYOUT = "layout"  # the code of what lies where no model file can be


@dataclass(frozen=True, slots=True)
class Bench:
    """Where trials run, and what a child may use."""

    corpus: Path
    work: Path
    limits: Limits
    timeout_s: float
    warm_up_s: float

    @property
    def children(self) -> Path:
        """The children's scratch folders."""
        return self.work / "children"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one case; `marks`, `leaks` and `left` are empty when nothing went wrong."""

    case: str
    end: End
    code: str = ""
    message: str = ""
    seconds: float = 0.0
    peak_mib: int = 0
    marks: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Trial:
    """Have a case compiled, which begins by looking at it; `step` is called until it is over."""

    def __init__(self, case: Case, found: Found, bench: Bench) -> None:
        self.case = case
        self._bench = bench
        self._started = time.monotonic()
        self._peak = 0
        self._tracked = Tracked(found.model, found.version)
        self._tracked.look(found, self._started)
        self._child: Child | None = None
        self._refusal = self._begin()

    def step(self, now: float) -> Result | None:
        """Look at the child; the result once there is one."""
        if self._child is None:
            return self._result("unopened", *self._refusal)
        self._peak = max(self._peak, high_water_mib(self._child.pid))
        outcome = self._child.poll(now)
        if outcome is None:
            return None
        has_answered = (self._child.folder / "result.json").exists()
        end = "accepted" if outcome.ok else _end(outcome, has_answered, self._child.stage())
        leaks = find_canaries(self._child.folder)
        self._child.clean()
        return self._result(end, outcome.code, outcome.message, leaks)

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.clean()

    def _begin(self) -> tuple[str, str]:
        """Start a child as the controller does; code and reason if nothing may even be opened."""
        if self._tracked.state is State.FAILED:
            return LAYOUT, self._tracked.reason
        try:
            self._tracked.digest(LoadOptions())
        except FileRefused as error:
            return error.code, str(error)
        bench, tracked = self._bench, self._tracked
        task = {
            "kind": "compile",
            "files": {name: str(path) for name, path in tracked.paths().items()},
            "digests": tracked.digests,
            "key": tracked.key,
            "options": LoadOptions().as_json(),
            "warm_up_s": bench.warm_up_s,
        }
        now = time.monotonic()
        self._child = Child(task, bench.limits, bench.timeout_s, bench.children, now)
        return "", ""

    def _result(self, end: End, code: str, message: str, leaks: Sequence[str] = ()) -> Result:
        folder = self._child.folder if self._child is not None else None
        return Result(
            case=self.case.id,
            end=end,
            code=code,
            message=message,
            seconds=round(time.monotonic() - self._started, 2),
            peak_mib=self._peak,
            marks=find_marks(self._bench.corpus, self.case),
            leaks=(*leaks, *(["message"] if WORD in message else [])),
            left=(folder.name,) if folder is not None and folder.exists() else (),
            files=tuple(self._tracked.paths()),
        )


def _end(outcome: Outcome, has_answered: bool, stage: str) -> End:
    """How far a child came that didn't succeed."""
    if has_answered:
        return "inspection" if stage in BEFORE_KERAS else "compiling"
    return "crashed" if outcome.died or "process failed" in outcome.message else "killed"


def find_marks(corpus: Path, case: Case) -> tuple[str, ...]:
    """What a case's payload left where all payloads of the corpus leave their marks."""
    ran = corpus / "markers" / "ran"
    marks = ["ran"] if ran.exists() and case.id in ran.read_text().split() else []
    if case.marker_path and (corpus / case.marker_path).exists():
        marks.append(case.marker_path)
    return tuple(marks)


def find_canaries(folder: Path) -> list[str]:
    """The files below a folder that hold what nobody should have read."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        str(path.relative_to(folder))
        for path in files
        if any(canary in path.read_bytes() for canary in CANARIES)
    ]


def high_water_mib(pid: int) -> int:
    """The most memory that a process ever held, in MiB; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(found[0]) // 1024 if found else 0
