"""What is asked of each contestant: how many rows a request, over how many connections."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import model


@dataclass(frozen=True, slots=True)
class Workload:
    """One column of requests; no connections means calls in a loop, without HTTP."""

    rows: int
    connections: int

    @property
    def name(self) -> str:
        """How the table calls it."""
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{rows}, c={self.connections}" if self.connections else f"{rows}, in process"


SINGLE = Workload(rows=1, connections=1)
BUSY = Workload(rows=1, connections=16)
CROWDED = Workload(rows=1, connections=64)
BULK = Workload(rows=256, connections=4)
ALL = (SINGLE, BUSY, CROWDED, BULK)
SLOW = (BUSY, BULK)
IN_PROCESS = (Workload(rows=1, connections=0), Workload(rows=256, connections=0))


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows to send, and what Keras answers to each."""

    rows: NDArray[np.float32]
    truth: NDArray[np.float32]

    def body(self, first: int, count: int) -> bytes:
        """The JSON request for `count` rows from `first` on."""
        rows = self.rows[first : first + count]
        texts = ("[" + ", ".join(f"{value:.4f}" for value in row) + "]" for row in rows)
        return ('{"instances": [' + ", ".join(texts) + "]}").encode()


def read_samples(folder: Path) -> Samples:
    """Read back what `benchmarks.model` wrote."""
    return Samples(np.load(folder / model.ROWS_FILE), np.load(folder / model.TRUTH_FILE))
