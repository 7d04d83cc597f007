"""mosec: two workers behind a batching front in Rust; JSON, or .npy files by their magic."""

import io
import json
from typing import Any

import numpy as np
from mosec import Server, Worker

from benchmarks.peers.engine import MAX_BATCH, WAIT_MS, Engine, Rows

NPY_MAGIC = b"\x93"
WORKERS = 2


class Predict(Worker):
    """One worker process; a request is its rows and whether they came as a file."""

    def __init__(self) -> None:
        self._engine = Engine()

    def deserialize(self, data: bytes) -> tuple[Rows, bool]:
        """Rows out of a body."""
        if data[:1] == NPY_MAGIC:
            return np.load(io.BytesIO(data)), True
        return np.asarray(json.loads(data)["instances"], np.float32), False

    def forward(self, data: list[tuple[Rows, bool]]) -> list[tuple[Rows, bool]]:
        """All that has been gathered, at once."""
        answers = self._engine.run_each([rows for rows, _ in data])
        return [(answer, is_npy) for answer, (_, is_npy) in zip(answers, data, strict=True)]

    def serialize(self, data: Any) -> bytes:
        """A body out of answers."""
        answer, is_npy = data
        if not is_npy:
            return json.dumps({"predictions": answer.tolist()}).encode()
        file = io.BytesIO()
        np.save(file, answer)
        return file.getvalue()


if __name__ == "__main__":
    server = Server()
    server.append_worker(Predict, num=WORKERS, max_batch_size=MAX_BATCH, max_wait_time=WAIT_MS)
    server.run()
