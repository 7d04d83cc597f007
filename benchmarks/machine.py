"""Where a run took place: a figure without its machine and its versions says little."""

import importlib.metadata
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# gunicorn reads requests with gunicorn_h1c where that is installed, and in Python where not.
PACKAGES = ("kerasd", "gunicorn", "gunicorn_h1c", "flask", "onnxruntime", "tensorflow-cpu", "keras")


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor and the versions of what is compared; absent packages are left out."""

    processor: str
    cores: int
    load: float
    python: str
    packages: dict[str, str]

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        where = f"{self.processor}, {self.cores} cores, load {self.load:.1f} at the start"
        return f"{where}; Python {self.python}, {packages}"


def look() -> Machine:
    """Describe this machine now."""
    packages = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        load=os.getloadavg()[0],
        python=platform.python_version(),
        packages=packages,
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
