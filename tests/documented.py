"""Commands of the documents, run as they stand there against a service on another port."""

import os
import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.running import RunningService

SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> str:
    """What stands in its shell blocks, one after the other."""
    return "".join(SHELL.findall(text))


def blocks_of(page: str) -> str:
    """The same of a page in `docs/`."""
    return blocks((ROOT / "docs" / page).read_text())


def run(
    service: RunningService,
    folder: Path,
    command: str,
    timeout_s: float = 120.0,
    shell: str = "sh -c",
    settings: dict[str, str] | None = None,
) -> str:
    """What one prints in a folder where it finds what it names."""
    here = command.replace("localhost:8080", f"127.0.0.1:{service.port}")
    environment = {
        **os.environ,
        "KERASD_PORT": str(service.port),
        "KERASD_STATE_DIR": str(service.state_dir),
        **(settings or {}),
    }
    ran = subprocess.run(
        [*shell.split(), here.replace("curl ", "curl --fail-with-body ")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s,
    )  # fmt: skip
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    return ran.stdout
