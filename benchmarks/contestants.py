"""The servers that are compared: how each is started, and what is asked of it."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import model
from benchmarks.workloads import ALL, SLOW, Workload

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
PREDICT_PATH = f"/v1/models/{model.NAME}:predict"
READY_PATH = "/readyz"
WORKERS = 2
THREADS = 16
# Settings of the caller's shell would tilt the comparison.
FOREIGN = ("KERASD_", "GUNICORN_", "WEB_CONCURRENCY", "TF_", "OMP_")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that answers POST PREDICT_PATH once GET READY_PATH says 200."""

    name: str
    command: tuple[str, ...]
    workloads: tuple[Workload, ...] = ALL
    environment: dict[str, str] = field(default_factory=dict)
    is_constant: bool = False
    # Where an answer takes a second, those in flight at the end weigh on a short measurement.
    times_seconds: int = 1
    start_s: float = 60


def servers(folder: Path) -> list[Contestant]:
    """Every contestant that speaks HTTP, the service first; `folder` holds the model."""
    return [
        Contestant(
            name="kerasd",
            command=_kerasd((folder / model.KERAS_FILE).parent),
            environment={
                "KERASD_STATE_DIR": str(folder / "state"),
                "KERASD_WORKERS": str(WORKERS),
            },
            start_s=120,  # the first start compiles, and imports TensorFlow to do so
        ),
        Contestant("noop-flask", _gunicorn("noop_flask"), is_constant=True),
        Contestant(
            name="predict-flask",
            command=_gunicorn("predict_flask"),
            workloads=SLOW,
            times_seconds=2,
            environment={"BENCHMARK_MODEL": str(folder / model.KERAS_FILE)},
        ),
    ]


def clean_environment() -> dict[str, str]:
    """The environment of every process that is measured."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **ours,
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _kerasd(repository: Path) -> tuple[str, ...]:
    program = str(PROGRAMS / "kerasd")
    return (program, "serve", str(repository), "--host", "127.0.0.1", "--port", "{port}")


def _gunicorn(module: str) -> tuple[str, ...]:
    options = f"-k gthread -w {WORKERS} --threads {THREADS} --keep-alive 30 --no-control-socket"
    return (
        str(PROGRAMS / "gunicorn"),
        *options.split(),
        *("--pythonpath", str(ROOT), "--bind", "127.0.0.1:{port}"),
        f"benchmarks.servers.{module}:app",
    )
