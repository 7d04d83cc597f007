"""What TensorFlow runs is answered until the web process of the same service has drained."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.keep_alive import Line, Load, post
from tests.running import running, wait_until

pytestmark = pytest.mark.slow

REQUEST = post("/v1/models/text:predict", json.dumps({"instances": [["good film"]]}).encode())


async def ask(line: Line, _draw: random.Random) -> None:
    await line.ask(REQUEST)


def test_no_request_is_lost_though_the_controller_is_told_at_the_same_time(tmp_path: Path) -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    make = "from tests.make_models import write_text as write\nfrom pathlib import Path\n"
    command = [sys.executable, "-c", f"{make}write(Path({str(tmp_path)!r}))"]
    subprocess.run(command, check=True, env=quiet, capture_output=True, timeout=200)

    with running(tmp_path / "text.keras", tmp_path / "state", drain_s="2") as service:
        service.wait_ready()
        assert service.pids("tensorflow_server")
        with Load(service.port, 8, 0.1, ask) as load:
            wait_until(lambda: load.tally.answered > 20, "it is asked", 30)
            before = load.tally.answered
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(60) == 0
    assert load.tally.failures == []
    assert set(load.tally.statuses) == {200}
    assert load.tally.answered > before + 20
    assert load.tally.told_to_close > 0
