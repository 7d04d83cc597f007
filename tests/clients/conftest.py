"""A service with models of several kinds, and programs of real clients that ask it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.making import make
from tests.running import RunningService, running

BIN = ROOT / ".clients" / "bin"
PROGRAMS = Path(__file__).parent / "programs"
PROGRAM_S = 120

RunProgram = Callable[[str], None]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, sample_repository: Path) -> Path:
    """A folder with `repository`, the samples in it too, and `answers` that Keras gave itself."""
    folder = tmp_path_factory.mktemp("clients") / "made"
    make("clients.make_models", folder)
    for sample in sample_repository.iterdir():
        if sample.is_dir():
            shutil.copytree(sample, folder / "repository" / sample.name)
    return folder


@pytest.fixture(scope="session")
def service(made: Path) -> Iterator[RunningService]:
    """All of them served by two workers."""
    with running(made / "repository", made / "state") as started:
        started.wait_ready()
        yield started


@pytest.fixture(scope="session")
def run_program(service: RunningService, made: Path) -> RunProgram:
    """Run a client's program against the service; what it says is shown when it fails."""

    def run(name: str) -> None:
        command = [str(BIN / "python"), str(PROGRAMS / f"{name}.py"), service.url]
        command.append(str(made / "answers"))
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_S)
        assert ran.returncode == 0, f"{name}:\n{ran.stdout}\n{ran.stderr}"
        assert ran.stdout.splitlines()[-1] == "done"

    return run
