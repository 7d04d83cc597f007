"""Writes MLServer's settings and becomes `mlserver start`.

It runs the model in its own process: workers of its own cost more than they gave.
`python -m benchmarks.peers.mlserver MODEL FOLDER PORT PORT PORT`
"""

import json
import os
import sys
from pathlib import Path

from benchmarks.peers.engine import MAX_BATCH, WAIT_MS


def main(model: str, folder: Path, http: str, grpc: str, metrics: str) -> None:
    """Write two files, then replace this process."""
    folder.mkdir(exist_ok=True)
    server = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": int(http),
        "grpc_port": int(grpc),
        "metrics_port": int(metrics),
        "parallel_workers": 0,
    }
    served = {
        "name": model,
        "implementation": "benchmarks.peers.mlserver_runtime.Predict",
        "max_batch_size": MAX_BATCH,
        "max_batch_time": WAIT_MS / 1000,
    }
    (folder / "settings.json").write_text(json.dumps(server))
    (folder / "model-settings.json").write_text(json.dumps(served))
    os.chdir(folder)
    program = str(Path(sys.executable).parent / "mlserver")
    os.execv(program, [program, "start", str(folder)])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:6])
