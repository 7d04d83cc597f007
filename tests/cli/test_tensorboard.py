"""`kerasd tensorboard` over the logs of jobs: a real TensorBoard on a loopback port."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from service.cli.tensorboard import command
from tests.cli.command import kerasd_apart as kerasd
from tests.running import free_port, wait_until

JOB = "20261126-141530123-9f8e3a1c"


# As Keras' callback does; in a process of its own, for it takes over the logging of its process.
WRITE = """
import sys
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter(sys.argv[1])
value = Summary.Value(tag="epoch_loss", simple_value=0.5)
writer.add_event(Event(step=1, summary=Summary(value=[value])))
writer.close()
"""


def write_log(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", WRITE, str(folder)], check=True, timeout=120)


def test_it_listens_to_this_machine_and_reads_whole_runs() -> None:
    told = command(Path("/jobs"), "127.0.0.1", 6006)
    assert told[told.index("--host") + 1] == "127.0.0.1"
    assert told[told.index("--logdir") + 1] == "/jobs"
    assert told[told.index("--reload_multifile") + 1] == "true"


def test_it_needs_no_service_to_explain_itself() -> None:
    told = kerasd("tensorboard", "--help")
    assert told.returncode == 0
    assert "asks nobody for a key" in told.stdout


@pytest.mark.slow
def test_the_logs_of_all_jobs_are_served(tmp_path: Path) -> None:
    write_log(tmp_path / "state" / "jobs" / JOB / "logs" / "train")
    port = free_port()
    arguments = ["tensorboard", "--state-dir", str(tmp_path / "state"), "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", *arguments],
            stdout=log, stderr=log,
            env={**os.environ, "HOME": str(tmp_path), "KERASD_API_KEY": "not-for-tensorboard"},
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/data/runs"
    try:
        wait_until(lambda: runs(url) == [f"{JOB}/logs/train"], "its run is there", 120)
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"not-for-tensorboard" not in environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def runs(url: str) -> list[str]:
    try:
        found: list[str] = requests.get(url, timeout=10).json()
    except (requests.ConnectionError, requests.Timeout):  # it is still starting
        return []
    return found
