"""The servers that are compared: how each is started, and how it wants to be asked."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks import dialects, workloads
from benchmarks.dialects import V1, V2_BINARY, V2_JSON, Dialect
from benchmarks.models import MLP, Model
from benchmarks.servers.constants import RAW_PATH
from benchmarks.workloads import Workload

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
PEERS = ROOT / ".peers"
WORKERS = 2
THREADS = 16
HTTP_PORTS = ("{port}", "{port2}", "{port3}")
# Settings of the caller's shell would tilt the comparison.
FOREIGN = ("KERASD_", "GUNICORN_", "WEB_CONCURRENCY", "TF_", "OMP_", "BENTOML_", "MLSERVER_")


class Kind(StrEnum):
    """What a contestant is there for."""

    SERVICE = "service"
    LIMIT = "limit"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that serves one model; a limit answers with a constant.

    `compiles` says that its first start does work that later ones find done; `polls`, that it
    takes processor time even when it is asked nothing, and so is stopped while others run.
    """

    name: str
    kind: Kind
    command: tuple[str, ...]
    json: Dialect = V1
    binary: Dialect | None = None
    environment: dict[str, str] = field(default_factory=dict)
    only: tuple[Workload, ...] = workloads.ALL
    compiles: bool = False
    polls: bool = False
    # Where an answer takes a second, those in flight at the end weigh on a short measurement.
    times_seconds: int = 1
    start_s: float = 60

    @property
    def is_constant(self) -> bool:
        """True for whoever predicts nothing."""
        return self.kind is Kind.LIMIT

    @property
    def is_installed(self) -> bool:
        """False where the program that starts it isn't there."""
        return Path(self.command[0]).exists()

    @property
    def serves_any(self) -> bool:
        """True where it is there for every model."""
        return self.only == workloads.ALL

    def dialect(self, workload: Workload) -> Dialect | None:
        """How it is asked in this race; none where it can't take part."""
        if workload not in self.only:
            return None
        if workload.binary and (self.binary or not workload.json_will_do):
            return self.binary
        return self.json


Entry = Callable[[Model, Path], Contestant]


def contestants(model: Model, top: Path) -> list[Contestant]:
    """Everyone who serves this model over HTTP, the service first."""
    return [enter(model, top) for enter in ENTRIES.values()]


def clean_environment() -> dict[str, str]:
    """The environment of every process that is measured."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **ours,
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(ROOT),
    }


def _kerasd(model: Model, top: Path) -> Contestant:
    command = (str(PROGRAMS / "kerasd"), "serve", str(model.repository(top)))
    return Contestant(
        name="kerasd",
        kind=Kind.SERVICE,
        command=(*command, "--host", "127.0.0.1", "--port", "{port}"),
        binary=V2_BINARY,
        environment={
            "KERASD_STATE_DIR": str(model.folder(top) / "state"),
            "KERASD_WORKERS": str(WORKERS),
        },
        compiles=True,
        start_s=180,
    )


def _blind(model: Model, top: Path) -> Contestant:
    """The service again, which gives no receipts and counts nothing."""
    program = ("-m", "benchmarks.servers.blind_kerasd", str(model.repository(top)), "{port}")
    return Contestant(
        name="kerasd-blind",
        kind=Kind.PEER,
        command=(sys.executable, *program),
        binary=V2_BINARY,
        environment={
            "KERASD_STATE_DIR": str(model.folder(top) / "state-blind"),
            "KERASD_WORKERS": str(WORKERS),
        },
        only=(workloads.BUSY, workloads.BULK, workloads.BULK_BINARY),
        compiles=True,
        start_s=180,
    )


def _limit(name: str, options: str) -> Entry:
    program = f"benchmarks.servers.{name.replace('-', '_')}:app"
    races = tuple(each for each in workloads.ALL if each.model is MLP)

    def enter(_model: Model, _top: Path) -> Contestant:
        command = _gunicorn(program, options)
        return Contestant(name, Kind.LIMIT, command, binary=dialects.raw(RAW_PATH), only=races)

    return enter


def _predict_flask(model: Model, top: Path) -> Contestant:
    return Contestant(
        name="predict-flask",
        kind=Kind.PEER,
        command=_gunicorn("benchmarks.servers.predict_flask:app", GTHREAD),
        environment={"BENCHMARK_MODEL": str(model.keras_file(top))},
        only=(workloads.BUSY, workloads.BULK),
        times_seconds=2,
    )


def _triton(model: Model, top: Path) -> Contestant:
    shape, folder = ",".join(map(str, model.shape)), str(model.folder(top) / "triton")
    arguments = (model.name, model.output, shape, folder, *HTTP_PORTS)
    return Contestant(
        name="triton-py-ort",
        kind=Kind.PEER,
        command=_peer("triton", *arguments),
        json=V2_JSON,
        binary=V2_BINARY,
        environment=_with_model(model, top),
    )


def _mosec(model: Model, top: Path) -> Contestant:
    options = "--port {port} --address 127.0.0.1 --timeout 60000 --log-level warning"
    return Contestant(
        name="mosec",
        kind=Kind.PEER,
        command=_peer("mosec", *options.split()),
        json=dialects.json_lists("/inference", "instances", "predictions"),
        binary=dialects.npy("/inference"),
        environment=_with_model(model, top),
    )


def _mlserver(model: Model, top: Path) -> Contestant:
    folder = str(model.folder(top) / "mlserver")
    return Contestant(
        name="mlserver",
        kind=Kind.PEER,
        command=_peer("mlserver", model.name, folder, *HTTP_PORTS),
        json=V2_JSON,
        environment=_with_model(model, top),
    )


def _bentoml(model: Model, top: Path) -> Contestant:
    program = str(PEERS / "bentoml/bin/bentoml")
    options = ("benchmarks.peers.bentoml:Predict", "--host", "127.0.0.1", "--port", "{port}")
    home = str(model.folder(top) / "bentoml")
    return Contestant(
        name="bentoml",
        kind=Kind.PEER,
        command=(program, "serve", *options),
        json=dialects.json_lists("/predict", "x", None),
        binary=dialects.raw("/raw"),
        environment={
            **_with_model(model, top),
            "BENTOML_HOME": home,
            "BENTOML_DO_NOT_TRACK": "1",
        },
    )


def _litserve(model: Model, top: Path) -> Contestant:
    return Contestant(
        name="litserve",
        kind=Kind.PEER,
        command=_peer("litserve", "{port}"),
        json=dialects.json_lists("/predict", "input", "output"),
        binary=dialects.multipart("/predict", "file", "output"),
        environment=_with_model(model, top),
        polls=True,
    )


def _peer(name: str, *arguments: str) -> tuple[str, ...]:
    """A program of `benchmarks.peers` in the environment of its name."""
    return (str(PEERS / name / "bin/python"), "-m", f"benchmarks.peers.{name}", *arguments)


def _with_model(model: Model, top: Path) -> dict[str, str]:
    return {"BENCHMARK_ONNX": str(model.onnx_file(top))}


def _gunicorn(program: str, options: str) -> tuple[str, ...]:
    options = f"-w {WORKERS} --keep-alive 30 --no-control-socket {options}"
    return (str(PROGRAMS / "gunicorn"), *options.split(), "--bind", "127.0.0.1:{port}", program)


GTHREAD = f"-k gthread --threads {THREADS}"
UVICORN = "-k uvicorn_worker.UvicornWorker"
ENTRIES: dict[str, Entry] = {
    "kerasd": _kerasd,
    "kerasd-blind": _blind,
    "noop-asgi": _limit("noop-asgi", UVICORN),
    "noop-wsgi": _limit("noop-wsgi", GTHREAD),
    "noop-flask": _limit("noop-flask", GTHREAD),
    "triton-py-ort": _triton,
    "mosec": _mosec,
    "mlserver": _mlserver,
    "bentoml": _bentoml,
    "litserve": _litserve,
    "predict-flask": _predict_flask,
}
NAMES = tuple(ENTRIES)
