"""Lays out a model repository for Triton and becomes `tritonserver`, the one in PyTriton's wheel.

That wheel carries the python backend only, and no package on PyPI carries the ONNX Runtime one; so
ONNX Runtime is called from a model in Python, which Triton runs beside its own process.
`python -m benchmarks.peers.triton MODEL OUTPUT SHAPE FOLDER PORT PORT PORT`, SHAPE like 96,96,3
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from benchmarks.peers.engine import WAIT_MS

MAX_ROWS = 1024  # the request with the most rows must fit
CONFIG = """\
name: "{model}"
backend: "python"
max_batch_size: {max_rows}
input [{{ name: "x" data_type: TYPE_FP32 dims: [{shape}] }}]
output [{{ name: "{output}" data_type: TYPE_FP32 dims: [10] }}]
dynamic_batching {{ max_queue_delay_microseconds: {wait_us} }}
instance_group [{{ count: 1 kind: KIND_CPU }}]
"""


def main(model: str, output: str, shape: str, folder: Path, ports: list[str]) -> None:
    """Write the folders, then replace this process."""
    package = _package()
    backends = folder / "backends"
    _lay_out_backend(package / "tritonserver", backends / "python")
    version = folder / "repository" / model / "1"
    version.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "triton_model.py", version / "model.py")
    config = CONFIG.format(
        model=model, output=output, shape=shape, max_rows=MAX_ROWS, wait_us=WAIT_MS * 1000
    )
    (version.parent / "config.pbtxt").write_text(config)
    # The process beside Triton finds this environment by the path of programs, and what is not
    # installed in it only next to the model.
    shutil.copytree(Path(__file__).parent, version / "benchmarks" / "peers")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ["LD_LIBRARY_PATH"] = str(package.parent / "nvidia_pytriton.libs")
    program = str(package / "tritonserver/bin/tritonserver")
    os.execv(program, [program, *_arguments(folder, backends, ports)])


def _package() -> Path:
    found = importlib.util.find_spec("pytriton")  # found, not imported
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def _lay_out_backend(server: Path, folder: Path) -> None:
    """The backend with the stub for this Python."""
    shutil.copytree(server / "backends/python", folder)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copy(server / f"python_backend_stubs/{python}/triton_python_backend_stub", folder)


def _arguments(folder: Path, backends: Path, ports: list[str]) -> list[str]:
    http, grpc, metrics = ports
    options = {
        "model-repository": str(folder / "repository"),
        "backend-directory": str(backends),
        "http-address": "127.0.0.1",
        "http-port": http,
        "grpc-address": "127.0.0.1",
        "grpc-port": grpc,
        "metrics-address": "127.0.0.1",
        "metrics-port": metrics,
        "allow-gpu-metrics": "false",
        "log-verbose": "0",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


if __name__ == "__main__":
    name, output, shape, folder, *ports = sys.argv[1:]
    main(name, output, shape, Path(folder), ports)
