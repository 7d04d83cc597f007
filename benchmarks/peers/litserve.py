"""LitServe: one worker, which batches; JSON, or an uploaded file, its only way to take bytes.

A second worker cost more than it gave. `python -m benchmarks.peers.litserve PORT`
"""

import sys
from typing import Any

import litserve
import numpy as np
from fastapi import Request

from benchmarks.peers.engine import MAX_BATCH, WAIT_MS, Engine, Rows


class Predict(litserve.LitAPI):
    """The five steps that LitServe calls."""

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self._engine = Engine()

    def decode_request(self, request: Request) -> Rows:
        """Rows out of a body; LitServe goes by the type and hands over what the body holds."""
        if "file" in request:
            return self._engine.from_bytes(request["file"].file.read())
        return np.asarray(request["input"], np.float32)

    def batch(self, inputs: list[Rows]) -> list[Rows]:
        """Keep them apart; the engine puts them together and takes them apart again."""
        return inputs

    def predict(self, x: list[Rows]) -> list[Rows]:
        """All that has been gathered, at once."""
        return self._engine.run_each(x)

    def unbatch(self, output: list[Rows]) -> list[Rows]:
        """Each request's own answers."""
        return output

    def encode_response(self, output: Rows) -> dict[str, Any]:
        """What becomes JSON."""
        return {"output": output.tolist()}


if __name__ == "__main__":
    api = Predict(max_batch_size=MAX_BATCH, batch_timeout=WAIT_MS / 1000)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=1, timeout=60, disable_openapi_url=True
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
    )
