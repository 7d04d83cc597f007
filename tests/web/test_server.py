"""What the server makes of the settings: limits of the edge, open files, memory of a worker."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from service.base.settings import Settings
from service.web.edge import Edge
from service.web.ending import Ending
from service.web.server import (
    OTHER_FILES,
    Server,
    edge_limits,
    raise_open_files,
    worker_class,
    worker_memory,
)
from service.web.shares import Shares


def settings(tmp_path: Path, **given: object) -> Settings:
    return Settings(state_dir=tmp_path, **given)  # type: ignore[arg-type]


def test_the_edge_keeps_the_settings(tmp_path: Path) -> None:
    limits = edge_limits(
        settings(tmp_path, max_connections=77, head_timeout_s=3, body_timeout_s=4, max_body_mb=2),
        open_files=10_000,
    )
    assert (limits.max_connections, limits.head_timeout_s) == (77, 3)
    assert (limits.body_timeout_s, limits.max_body_bytes) == (4, 2 * 1024**2)


@pytest.mark.parametrize("host", ["::1", "::", "127.0.0.1"])
def test_it_listens_where_it_is_told(tmp_path: Path, host: str) -> None:
    assert Server(settings(tmp_path, host=host, port=8099)).cfg.address == [(host, 8099)]


def test_few_open_files_mean_few_connections(tmp_path: Path) -> None:
    few = edge_limits(settings(tmp_path, max_connections=500), open_files=OTHER_FILES + 200)
    assert few.max_connections == 200
    assert edge_limits(settings(tmp_path), open_files=64).max_connections == 21
    assert edge_limits(settings(tmp_path), open_files=0).max_connections == 1


def test_open_files_are_never_made_fewer() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_open_files(10) >= 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft


def test_open_files_are_raised_as_far_as_may_be() -> None:
    code = (
        "import resource; from service.web.server import raise_open_files\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 400))\n"
        "print(raise_open_files(300), raise_open_files(900))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.split() == ["300", "400"]


def test_the_worker_speaks_through_the_edge(tmp_path: Path) -> None:
    edge = Edge(edge_limits(settings(tmp_path), open_files=1000))
    assert worker_class(edge, Ending(), Shares(), 0, 0).CONFIG_KWARGS["http"] is edge


def test_a_worker_has_the_memory_of_the_settings_or_of_the_machine(tmp_path: Path) -> None:
    assert worker_memory(settings(tmp_path, worker_memory_mb=700)) == 700 * 1024**2
    assert worker_memory(settings(tmp_path)) >= 4096 * 1024**2
