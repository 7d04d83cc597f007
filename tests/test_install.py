"""The plain install: a wheel without TensorFlow serves what is already compiled."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.running import free_port, running, wait_until

pytestmark = pytest.mark.slow

UV = ROOT / ".uv" / "bin" / "uv"


def test_a_wheel_without_tensorflow_serves_a_compiled_cache(
    sample_repository: Path, tmp_path: Path
) -> None:
    with running(sample_repository, tmp_path / "state") as full:
        full.wait_ready()
        body = (sample_repository / "digits" / "examples.json").read_bytes()
        expected = full.predict("digits", body).json()
    _run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", ROOT)
    wheel = next((tmp_path / "dist").glob("kerasd-*.whl"))
    _run(UV, "venv", "--quiet", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    lock = ROOT / "requirements.lock"
    _run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", lock, wheel)
    installed = _run(UV, "pip", "list", "--python", python)
    assert "tensorflow" not in installed
    assert "keras " not in installed

    state = tmp_path / "other-state"
    shutil.copytree(tmp_path / "state" / "compiled", state / "compiled")
    port = free_port()
    command: list[str | Path] = [
        python.with_name("kerasd"),
        "serve",
        sample_repository,
        "--port",
        str(port),
    ]
    with (tmp_path / "log").open("wb") as log:
        served = subprocess.Popen(
            [*command, "--state-dir", state], cwd=tmp_path, stdout=log, stderr=log
        )
    client: list[str | Path] = [python.with_name("kerasd"), "predict", "digits", "--json"]
    client += ["--url", f"http://127.0.0.1:{port}"]
    client += ["--input", sample_repository / "digits" / "examples.json"]
    try:
        wait_until(lambda: _succeeds(client), f"an answer; see {tmp_path}/log", 60)
        answer = _run(*client)
        assert [d["label"] for d in expected["decisions"]] == _labels(answer)
        truncated = tmp_path / "cut.h5"
        truncated.write_bytes((sample_repository / "breast-cancer/1/model.h5").read_bytes()[:999])
        refused = subprocess.run(
            [python.with_name("kerasd"), "compile", truncated], cwd=tmp_path, capture_output=True
        )
        assert b"damaged or incomplete" in refused.stderr
        whole = sample_repository / "digits" / "1"
        refused = subprocess.run(
            [python.with_name("kerasd"), "compile", whole], cwd=tmp_path, capture_output=True
        )
        assert refused.returncode == 1
        assert b"pip install 'kerasd[train]'" in refused.stderr.replace(b"\n", b" ")
    finally:
        served.terminate()
        assert served.wait(60) == 0


def _run(*command: str | Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    ran = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _succeeds(command: list[str | Path]) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True).returncode == 0


def _labels(answer: str) -> list[str]:
    return [decision["label"] for decision in json.loads(answer)["decisions"]]
