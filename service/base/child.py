"""A child process as its parent sees it: start, look at its progress, take its result, kill it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from service.base.confinement import Limits
from service.base.processors import processors
from service.base.settings import bare_environment
from service.base.task import NO_ROOM

PROGRAM = "service.loading.child"
ERROR_TAIL_BYTES = 2000
MOST_THREADS = 4
FULL = os.strerror(errno.ENOSPC)  # libraries in C and C++ say it without the number
NO_TENSORFLOW = (
    "compiling needs TensorFlow, which is not installed here: pip install 'kerasd[train]'"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended. `died` tells that it never said anything: killed, or crashed.

    `no_room` tells that the disk was full, which is no fault of its task.
    """

    ok: bool
    message: str = ""
    code: str = "compile_failed"
    died: bool = False
    no_room: bool = False
    result: dict[str, Any] | None = None


class Child:
    """One task in a process of its own; its scratch folder goes with it."""

    def __init__(
        self,
        task: Mapping[str, Any],
        limits: Limits,
        timeout_s: float,
        root: Path,
        now: float,
        program: str = PROGRAM,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="child-", dir=root))
        record = {**task, "limits": asdict(limits), "parent": os.getpid()}
        self._deadline = now + timeout_s
        self._timeout_s = timeout_s
        self._cpu_s = limits.cpu_s
        try:
            (self.folder / "task.json").write_bytes(orjson.dumps(record))
            self._process = self._started(program)
        except OSError:
            self.clean()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def stage(self) -> str:
        """The last stage that the child reported."""
        lines = self._read("stages").split()
        return lines[-1] if lines else "start"

    def poll(self, now: float) -> Outcome | None:
        """None while it works; killed and reported once its time is over."""
        code = self._process.poll()
        if code is None:
            if now < self._deadline:
                return None
            self.kill()
            return Outcome(False, f"not finished after {self._timeout_s:g} seconds; it was killed")
        return self._outcome(code)

    def kill(self) -> None:
        """End the process now; its folder stays until `clean`."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def clean(self) -> None:
        """Remove what the child left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _started(self, program: str) -> subprocess.Popen[bytes]:
        environment = {**bare_environment(self.folder), **_threads()}
        with (self.folder / "stages").open("wb") as out, (self.folder / "errors").open("wb") as err:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", program, str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
            )  # fmt: skip

    def _read(self, name: str) -> str:
        """What the child wrote; nothing when its folder is gone."""
        try:
            return (self.folder / name).read_text(errors="replace")
        except OSError:
            return ""

    def _outcome(self, code: int) -> Outcome:
        try:
            result = orjson.loads((self.folder / "result.json").read_bytes())
        except (OSError, ValueError):
            return self._died(code)
        if result["ok"]:
            return Outcome(True, result=result)
        message = result["message"]
        return Outcome(False, message, result["code"], no_room=FULL in message)

    def _died(self, code: int) -> Outcome:
        if code == -signal.SIGALRM:
            what = "the model's first runs" if self.stage() == "run" else "looking at the file"
            return Outcome(False, f"{what} took too long; the process was ended")
        if code == -signal.SIGXCPU:
            return Outcome(False, f"it used up its {self._cpu_s} seconds of processor time")
        if code < 0 and code != -signal.SIGABRT:
            name = signal.Signals(-code).name
            return Outcome(False, f"the compiling process was killed by {name}", died=True)
        errors = self._read("errors")[-ERROR_TAIL_BYTES:]
        if code == NO_ROOM or FULL in errors:
            return Outcome(False, "the disk is full: there is no room to work in", no_room=True)
        lines = [line.strip() for line in errors.splitlines() if line.strip()]
        if "No module named 'tensorflow'" in errors or "No module named 'keras'" in errors:
            return Outcome(False, NO_TENSORFLOW)
        last = lines[-1] if lines else f"exit code {code}"
        return Outcome(False, f"the compiling process failed: {last}", died=code < 0)


def _threads() -> dict[str, str]:
    """TensorFlow would start two for each processor of the machine, each with 8 MiB of addresses:
    with a hundred processors they are all that a child may have.
    """
    few = str(min(processors(), MOST_THREADS))
    return {"TF_NUM_INTRAOP_THREADS": few, "TF_NUM_INTEROP_THREADS": few}
