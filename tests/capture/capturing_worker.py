"""A process that captures until it is killed, and says which predictions are on the disk.

python -m tests.capture.capturing_worker FOLDER WRITER [ROWS]: prediction after prediction of the
model `m`, written a few at a time; after each flush a line has the number of the last one.
"""

import sys
from pathlib import Path

import numpy as np

from service.capture.terms import Terms
from service.capture.writer import CaptureWriter
from tests.capture.made import NOON, PLAIN, id_of

AT_ONCE = 20
ROWS = 50


def main() -> None:
    """Capture; each prediction has its number in all its rows."""
    folder, name = sys.argv[1:3]
    rows = int(sys.argv[3]) if len(sys.argv) > 3 else ROWS
    writer = CaptureWriter(Path(folder), lambda: {"m": Terms(1.0)})
    tap = writer.tap("m", 1, PLAIN)
    writer.step(0.0)
    number = 0
    while True:
        for _ in range(AT_ONCE):
            inputs = {"x": np.full((rows, 3), number, np.float32)}
            tap.take((id_of(f"{name}/{number}"), b"", NOON), inputs, (None, None))
            number += 1
        writer.flush()
        print(number, flush=True)


if __name__ == "__main__":
    main()
